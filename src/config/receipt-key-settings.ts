import * as z from 'zod/mini';
import { err, ok } from '../core/result.ts';
import type { Setting } from './json-setting.ts';
import { parseStrictJson } from '../protocol/strict-json.ts';

const KEY_HINT = 'must be an Ed25519 private key as JWK {kty: "OKP", crv: "Ed25519", x, d}';
const half = z.string(KEY_HINT).check(z.regex(/^[A-Za-z0-9_-]{43}$/, KEY_HINT));
const receiptKeySchema = z.looseObject(
  { kty: z.literal('OKP', KEY_HINT), crv: z.literal('Ed25519', KEY_HINT), x: half, d: half },
  KEY_HINT,
);

/** Reads `RECEIPT_KEY`: checks its form; `openSigner` checks that the halves belong together. */
export const readReceiptKey = (text: string): Setting<string> => {
  const json = parseStrictJson(text);
  // One message for every fault, so that it reveals nothing about the secret.
  return json.ok && receiptKeySchema.safeParse(json.value).success
    ? ok(text)
    : err([`${KEY_HINT}: \`npx countersign keys jwk\` prints one`]);
};

const MAX_KEYS = 16;
const KEYS_HINT = `must be an array of at most ${MAX_KEYS} keys as /.well-known/jwks.json lists them`;
// Strict, with the members of the published key set: a private key here could be read by anyone who may see the Worker's variables.
const publicKeySchema = z.strictObject({
  kty: z.literal('OKP'),
  crv: z.literal('Ed25519'),
  x: half,
  kid: z.optional(z.string()),
  alg: z.optional(z.literal('EdDSA')),
  use: z.optional(z.literal('sig')),
});
const publicKeysSchema = z.array(publicKeySchema).check(z.maxLength(MAX_KEYS));

/** Reads `FORMER_RECEIPT_KEYS`: public keys whose receipts still verify, each as its `x`. */
export const readFormerReceiptKeys = (text: string): Setting<readonly string[]> => {
  if (text === '') return ok([]);
  const json = parseStrictJson(text);
  const read = json.ok ? publicKeysSchema.safeParse(json.value) : undefined;
  return read?.success === true ? ok(read.data.map(({ x }) => x)) : err([KEYS_HINT]);
};
