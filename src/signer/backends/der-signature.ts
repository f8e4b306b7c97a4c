import { bytesToHex } from '@noble/hashes/utils.js';
import type { Address, Hex } from '../../core/hex.ts';
import { ok, type Result } from '../../core/result.ts';
import { recoverStrict } from '../../crypto/verifier.ts';
import { type KeyFault, mismatch, unavailable } from './backend.ts';

/** Order of secp256k1's group (SEC 2 §2.4.1). */
const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;

const SEQUENCE = 0x30;
const INTEGER = 0x02;
/** For an integer below 2^256 whose first bit is 1, because DER puts a zero byte before it. */
const LONGEST_INTEGER = 33;

/** The two numbers of an ECDSA signature, each from 1 to the order of the group less one. */
export type EcdsaSignature = { readonly r: bigint; readonly s: bigint };

/**
 * Reads an ECDSA signature in DER (RFC 3279 §2.2.3; X.690 §8.3, §10.1). Accepts only the one encoding of each signature: no trailing bytes, no
 * long length, no negative number, no needless zero byte. A number with leading zero bits is shorter than 32 bytes, one signature in 256.
 *
 * @returns undefined for other bytes
 */
export const readDerSignature = (der: Uint8Array): EcdsaSignature | undefined => {
  // 72 bytes at most: every length fits in one byte.
  if (der[0] !== SEQUENCE || der[1] !== der.length - 2) return undefined;
  const r = readInteger(der, 2);
  if (r === undefined) return undefined;
  const s = readInteger(der, r.end);
  if (s === undefined || s.end !== der.length) return undefined;
  return isScalar(r.value) && isScalar(s.value) ? { r: r.value, s: s.value } : undefined;
};

const readInteger = (
  der: Uint8Array,
  at: number,
): { readonly value: bigint; readonly end: number } | undefined => {
  const length = der[at + 1] ?? 0;
  const start = at + 2;
  const end = start + length;
  if (der[at] !== INTEGER || length < 1 || length > LONGEST_INTEGER || end > der.length) {
    return undefined;
  }
  const bytes = der.subarray(start, end);
  const [first = 0, second = 0x80] = bytes;
  const isNegative = first >= 0x80;
  const isPadded = first === 0 && second < 0x80;
  if (isNegative || isPadded) return undefined;
  return { value: BigInt(`0x${bytesToHex(bytes)}`), end };
};

const isScalar = (value: bigint): boolean => value >= 1n && value < ORDER;

/**
 * Converts a signature in DER to the 65 bytes that Ethereum reads: r, s, v. Services return a high s half of the time, which USDC rejects
 * (EIP-2): n − s makes the other signature of the same digest by the same key. No service returns v: both values are tried.
 *
 * @param der undefined if the answer held no bytes
 * @returns `unavailable` for bytes that are not a signature; `mismatch` if neither value of v recovers to the expected address
 */
export const toEthereumSignature = (
  der: Uint8Array | undefined,
  digest: Hex,
  expected: Address,
): Result<Hex, KeyFault> => {
  const read = der === undefined ? undefined : readDerSignature(der);
  if (read === undefined) return unavailable('signature');
  const { r, s } = read;
  const low = s > ORDER / 2n ? ORDER - s : s;
  const recovered = ['1b', '1c']
    .map((v): Hex => `0x${digits(r)}${digits(low)}${v}`)
    .find((signature) => {
      const signer = recoverStrict(digest, signature);
      return signer.ok && signer.value === expected;
    });
  return recovered === undefined ? mismatch('signature') : ok(recovered);
};

const digits = (value: bigint): string => value.toString(16).padStart(64, '0');
