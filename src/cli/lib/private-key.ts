import { secp256k1 } from '@noble/curves/secp256k1.js';
import { keccak_256 } from '@noble/hashes/sha3.js';
import type { Hex } from '../../core/hex.ts';
import { hexOf } from '../../crypto/bytes.ts';

/** Whether 32 bytes are a private key: above zero, below the order of the curve. */
export const isKeyInRange = (secret: Uint8Array): boolean =>
  secp256k1.utils.isValidSecretKey(secret);

/** The address of a private key, in lower case. */
export const addressOfKey = (secret: Uint8Array): Hex => {
  const point = secp256k1.getPublicKey(secret, false);
  return `0x${hexOf(keccak_256(point.subarray(1))).slice(-40)}`;
};

/** 64 hex digits with or without `0x`, as a key; undefined for anything else. */
export const parsePrivateKey = (text: string): Uint8Array | undefined => {
  const digits = /^(?:0x)?([0-9a-fA-F]{64})$/.exec(text.trim())?.[1];
  const secret = digits === undefined ? undefined : new Uint8Array(Buffer.from(digits, 'hex'));
  return secret !== undefined && isKeyInRange(secret) ? secret : undefined;
};
