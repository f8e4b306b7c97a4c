import { secp256k1 } from '@noble/curves/secp256k1.js';
import type { Address, Hex } from '../../src/core/hex.ts';
import { bytesOf, hexOf } from '../../src/crypto/bytes.ts';
import { transferWithAuthorizationDigest } from '../../src/protocol/x402/transfer-digest.ts';
import { randomHex, token } from '../durable-objects/support.ts';
import type { vanilla } from './payments.ts';

type Payload = Awaited<ReturnType<typeof vanilla>>;

const { ORDER } = secp256k1.Point.Fn;
const word = (value: bigint): string => value.toString(16).padStart(64, '0');
/** The last bit is off, so that r and s are below the order, and the first of s, so that it is low. */
const number = (): bigint => BigInt(randomHex(32)) >> 1n;

/** 65 bytes that somebody else's key has made over exactly what is claimed. */
const byAnother = (digest: Hex): Hex => {
  const secret = secp256k1.utils.randomSecretKey();
  const bytes = secp256k1.sign(bytesOf(digest), secret, { prehash: false, format: 'recovered' });
  return `${hexOf(bytes.subarray(1))}${(27 + (bytes[0] ?? 0)).toString(16)}` as Hex;
};

/** Signatures that only a contract could still accept: whose account it is, only the chain knows. */
export const DOUBTFUL = {
  'of another key': byAnother,
  'of nobody': () => `0x${word(number())}${word(number())}1b`,
  'not of 65 bytes': () => randomHex(97),
} as const satisfies Record<string, (digest: Hex) => Hex>;

/** Signatures that nobody takes, whoever the account is. */
export const HOPELESS = {
  'with a high s': () => `0x${word(number())}${word(ORDER - (number() >> 1n) - 1n)}1b`,
  'with v 0': () => `0x${word(number())}${word(number())}00`,
  'with r 0': () => `0x${word(0n)}${word(number())}1c`,
  'with s 0': () => `0x${word(number())}${word(0n)}1c`,
  'with r above the order': () => `0x${word(ORDER)}${word(number())}1c`,
} as const satisfies Record<string, () => Hex>;

/** The same payment, as if another account had made it. */
export const forged = (
  payload: Payload,
  from: Address,
  sign: (digest: Hex) => Hex,
): { readonly payload: Payload; readonly digest: Hex; readonly signature: Hex } => {
  const authorization = { ...payload.payload.authorization, from, nonce: randomHex(32) };
  const digest = transferWithAuthorizationDigest(token, {
    ...authorization,
    value: BigInt(authorization.value),
    validAfter: BigInt(authorization.validAfter),
    validBefore: BigInt(authorization.validBefore),
  });
  const signature = sign(digest);
  return {
    payload: { ...payload, payload: { authorization, signature } },
    digest,
    signature,
  };
};
