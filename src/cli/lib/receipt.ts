import { compactVerify, createLocalJWKSet } from 'jose';
import * as z from 'zod/mini';
import type { Hex } from '../../core/hex.ts';
import { type AccountId, parseAccountId } from '../../protocol/account-id.ts';
import { RECEIPT_TYPE } from '../../protocol/receipt.ts';
import type { AdminClient } from './admin-client.ts';
import { CliError } from './errors.ts';
import { httpGet } from './http-get.ts';
import { textFile } from './input.ts';

/** A receipt whose signature is of a key that the gateway publishes. */
export type VerifiedReceipt = {
  /** The compact JWS. */
  readonly text: string;
  readonly agent: AccountId;
  readonly call: Hex;
  readonly entry: Hex;
};

const MAX_RECEIPT = 16_384;
const JWS = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/;

/** Reads and verifies a receipt: its text, with or without the name of the header, or `-` for stdin. @throws CliError */
export const receiptNamed = async (admin: AdminClient, given: string): Promise<VerifiedReceipt> => {
  const text =
    given === '-'
      ? new TextDecoder().decode(await admin.session.stdin(MAX_RECEIPT))
      : given.slice(0, MAX_RECEIPT);
  return await verified(admin, bare(text));
};

/** As `receiptNamed`, but a word that is not a receipt names a file. @throws CliError */
export const receiptOrFile = async (admin: AdminClient, given: string): Promise<VerifiedReceipt> =>
  JWS.test(bare(given)) || given === '-'
    ? await receiptNamed(admin, given)
    : await verified(admin, bare(await textFile(admin.session, given, MAX_RECEIPT)));

const bare = (text: string): string => text.trim().replace(/^agent-receipt:\s*/i, '');

const hash = z.string().check(z.regex(/^0x[0-9a-f]{64}$/));
const claimsSchema = z.looseObject({
  agent: z.string().check(z.refine((text) => parseAccountId(text) !== undefined)),
  call: hash,
  entry: hash,
});

/** Verifies the receipt with the gateway's published keys: a forged one must not choose whose call is refunded. */
const verified = async (
  { gateway, session }: AdminClient,
  text: string,
): Promise<VerifiedReceipt> => {
  const answer = await httpGet(`${gateway}/.well-known/jwks.json`, session.signal);
  if (!answer.ok)
    throw new CliError(`The command cannot read the keys of ${gateway}. ${answer.error}`, {
      hint: `\`countersign doctor --gateway ${gateway}\` checks each part.`,
      code: 'unreachable',
    });
  try {
    const keys = createLocalJWKSet(answer.value.json as Parameters<typeof createLocalJWKSet>[0]);
    const { payload, protectedHeader } = await compactVerify(text, keys, { algorithms: ['EdDSA'] });
    // The same key also signs assertions to upstreams: reject those.
    if (protectedHeader.typ !== RECEIPT_TYPE) throw new Error(`typ is ${protectedHeader.typ}`);
    const claims = z.parse(claimsSchema, JSON.parse(new TextDecoder().decode(payload)));
    const { agent, call, entry } = claims;
    return { text, agent: agent as AccountId, call: call as Hex, entry: entry as Hex };
  } catch (cause) {
    throw new CliError('That is not a receipt of this gateway.', {
      hint: 'Give the whole header Agent-Receipt of the answer, or payer and call: `countersign calls list` lists them.',
      code: 'receipt_invalid',
      cause,
    });
  }
};
