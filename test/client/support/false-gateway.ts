import { createHash } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import type { Hex } from '../../../src/core/hex.ts';
import { bodyDigest } from '../../../src/crypto/bytes.ts';
import { requestDigest } from '../../../src/protocol/intent/binding.ts';
import type { ReceiptClaims } from '../../../src/protocol/receipt.ts';
import type { Received } from './mallory.ts';
import { sendOffer, bound, entry, type Json, required } from './offer.ts';

const ASSET = 'eip155:84532/erc20:0x036cbd53842c5426634e7929541ec2318f3dcf7e';
const TYPE = 'agent-receipt+jwt';
const HASH: Hex = `0x${'ab'.repeat(32)}`;
export const TOOL = 'thing';

/** A key pair and the key set that publishes it. */
export const newKeys = async (kid = 'k1') => {
  const { privateKey, publicKey } = await generateKeyPair('EdDSA', { extractable: true });
  const jwk = { ...(await exportJWK(publicKey)), kid, alg: 'EdDSA', use: 'sig' };
  return { kid, privateKey, set: { keys: [jwk] } };
};

export type Keys = Awaited<ReturnType<typeof newKeys>>;

type Payload = {
  readonly payload: {
    readonly authorization: { readonly from: string; readonly nonce: Hex; readonly value: string };
  };
};

/** The authorization in a request, unverified. */
export const paymentIn = ({ proof }: Received) =>
  (JSON.parse(Buffer.from(proof ?? '', 'base64').toString()) as Payload).payload.authorization;

/** The claims of an honest gateway about a paid call and its answer. */
export const honestClaims = async (
  url: string,
  received: Received,
  answer: string,
): Promise<Json> => {
  const { from, nonce, value } = paymentIn(received);
  return {
    iss: url,
    agent: `eip155:84532:${from.toLowerCase()}`,
    tool: TOOL,
    call: nonce,
    request: await requestDigest({
      audience: url,
      tool: TOOL,
      method: received.method,
      target: received.path,
      contentType: received.headers['content-type'] ?? '',
      payloadDigest: await bodyDigest(received.body as Uint8Array<ArrayBuffer>),
    }),
    charged: value,
    asset: ASSET,
    status: 200,
    response: `0x${createHash('sha256').update(answer).digest('hex')}`,
    binding: 'intent',
    entry: HASH,
    policy: HASH,
    iat: Math.floor(Date.now() / 1000),
  } satisfies Record<Exclude<keyof ReceiptClaims, 'refunded' | 'end' | 'usage' | 'basis'>, unknown>;
};

export const signReceipt = async (
  { kid, privateKey }: Pick<Keys, 'kid' | 'privateKey'>,
  claims: Json,
  header: Json = {},
): Promise<string> =>
  await new SignJWT({ ...claims })
    .setProtectedHeader({ alg: 'EdDSA', typ: TYPE, kid, ...header })
    .sign(privateKey);

/** Offers a bound payment of $0.001. */
export const sendBoundOffer = (
  { headers }: Received,
  response: ServerResponse,
  changes: Json = {},
): void =>
  sendOffer(
    response,
    required([entry(changes)], { extensions: bound(`http://${headers.host ?? ''}`) }),
  );
