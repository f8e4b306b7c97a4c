import { secp256k1 } from '@noble/curves/secp256k1.js';
import type { Address, Hex } from '../../src/core/hex.ts';
import { bytesOf, hexOf } from '../../src/crypto/bytes.ts';
import { transferWithAuthorizationDigest } from '../../src/protocol/x402/authorization.ts';
import { randomHex, token } from '../durable-objects/support.ts';
import type { vanilla } from './payments.ts';

type Payload = Awaited<ReturnType<typeof vanilla>>;

const { ORDER } = secp256k1.Point.Fn;
const word = (value: bigint): string => value.toString(16).padStart(64, '0');
/** A random number below half the curve's order: a valid r, and a low s. */
const number = (): bigint => BigInt(randomHex(32)) >> 1n;

/** A valid signature of the digest by another key. */
const byAnother = (digest: Hex): Hex => {
  const secret = secp256k1.utils.randomSecretKey();
  const bytes = secp256k1.sign(bytesOf(digest), secret, { prehash: false, format: 'recovered' });
  return `${hexOf(bytes.subarray(1))}${(27 + (bytes[0] ?? 0)).toString(16)}` as Hex;
};

/** Signatures that only a contract account could accept, so the gateway must check on the chain whether the account has code. */
export const DOUBTFUL = {
  'of another key': byAnother,
  'of no key': () => `0x${word(number())}${word(number())}1b`,
  'not of 65 bytes': () => randomHex(97),
} as const satisfies Record<string, (digest: Hex) => Hex>;

/** Signatures that no account accepts, with or without code. */
export const HOPELESS = {
  'with a high s': () => `0x${word(number())}${word(ORDER - (number() >> 1n) - 1n)}1b`,
  'with v 0': () => `0x${word(number())}${word(number())}00`,
  'with r 0': () => `0x${word(0n)}${word(number())}1c`,
  'with s 0': () => `0x${word(number())}${word(0n)}1c`,
  'with r above the order': () => `0x${word(ORDER)}${word(number())}1c`,
} as const satisfies Record<string, () => Hex>;

/** The same payment in the name of another account. */
export const forged = (
  payload: Payload,
  from: Address,
  sign: (digest: Hex) => Hex,
): { readonly payload: Payload } => {
  const authorization = { ...payload.payload.authorization, from, nonce: randomHex(32) };
  const digest = transferWithAuthorizationDigest(token, {
    ...authorization,
    value: BigInt(authorization.value),
    validAfter: BigInt(authorization.validAfter),
    validBefore: BigInt(authorization.validBefore),
  });
  return { payload: { ...payload, payload: { authorization, signature: sign(digest) } } };
};
