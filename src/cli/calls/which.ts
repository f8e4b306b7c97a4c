import { compactVerify, createLocalJWKSet } from 'jose';
import * as z from 'zod/mini';
import type { Hex } from '../../core/hex.ts';
import type { AccountId } from '../../protocol/account-id.ts';
import { parseAccountId } from '../../protocol/account-id.ts';
import { RECEIPT_TYPE } from '../../protocol/receipt.ts';
import { accountNamed } from '../lib/accounts.ts';
import type { AdminClient } from '../lib/admin-client.ts';
import { callNamed } from '../lib/call-id.ts';
import type { ArgumentSpec, OptionSpec } from '../lib/command.ts';
import { CliError, usageError } from '../lib/errors.ts';
import { httpGet } from '../lib/http-get.ts';
import type { Input } from '../lib/input.ts';

/** A call by its payer and id, or by its receipt. */
export const WHICH: readonly ArgumentSpec[] = [
  { syntax: '[account]', summary: 'payer: key name, label, address or account id' },
  { syntax: '[call]', summary: 'call id, whole or as a table shortens it' },
];

export const RECEIPT: OptionSpec = {
  flags: '--receipt <receipt>',
  summary: 'names payer and call instead: the text of Agent-Receipt; - for stdin',
};

const MAX_RECEIPT = 16_384;

/** @throws CliError */
export const whichCall = async (
  admin: AdminClient,
  input: Input,
): Promise<{ readonly account: AccountId; readonly call: Hex }> => {
  const [named, id] = input.arguments;
  const receipt = input.text('receipt');
  if ((receipt === undefined) === (named === undefined || id === undefined)) {
    throw usageError(
      'The command needs a payer and a call, or a receipt.',
      'Give e.g. team/alice 0x5b36c908…b956, or --receipt - and the Agent-Receipt on stdin. `countersign calls list` lists calls.',
    );
  }
  if (receipt === undefined) {
    const account = await accountNamed(admin, named ?? '');
    return { account, call: await callNamed(admin, account, id) };
  }
  const text =
    receipt === '-'
      ? new TextDecoder().decode(await admin.session.stdin(MAX_RECEIPT))
      : receipt.slice(0, MAX_RECEIPT);
  return await callOfReceipt(admin, text.trim().replace(/^agent-receipt:\s*/i, ''));
};

const claimsSchema = z.looseObject({
  agent: z.string().check(z.refine((text) => parseAccountId(text) !== undefined)),
  call: z.string().check(z.regex(/^0x[0-9a-f]{64}$/)),
});

/** Verifies the receipt with the gateway's published keys: a forged one must not choose whose call is refunded. */
const callOfReceipt = async (
  { gateway, session }: AdminClient,
  receipt: string,
): Promise<{ readonly account: AccountId; readonly call: Hex }> => {
  const answer = await httpGet(`${gateway}/.well-known/jwks.json`, session.signal);
  if (!answer.ok)
    throw new CliError(`The command cannot read the keys of ${gateway}. ${answer.error}`, {
      hint: `\`countersign doctor --gateway ${gateway}\` checks each part.`,
      code: 'unreachable',
    });
  try {
    const keys = createLocalJWKSet(answer.value.json as Parameters<typeof createLocalJWKSet>[0]);
    const { payload, protectedHeader } = await compactVerify(receipt, keys, {
      algorithms: ['EdDSA'],
    });
    // The same key signs assertions to upstreams, which are no receipts.
    if (protectedHeader.typ !== RECEIPT_TYPE) throw new Error(`typ is ${protectedHeader.typ}`);
    const claims = z.parse(claimsSchema, JSON.parse(new TextDecoder().decode(payload)));
    return { account: claims.agent as AccountId, call: claims.call as Hex };
  } catch (cause) {
    throw new CliError('That is not a receipt of this gateway.', {
      hint: 'Give the whole header Agent-Receipt of the answer, or payer and call: `countersign calls list` lists them.',
      code: 'receipt_invalid',
      cause,
    });
  }
};
