import type { AccountId } from '../../protocol/account-id.ts';
import type { Hex } from '../../core/hex.ts';

/** Hex digits of a fingerprint: four bytes. */
const DIGITS = 8;

/** The first four bytes of a call id, as hex without prefix. */
export const callFingerprint = (call: Hex): string => call.slice(2, 2 + DIGITS);

/** The first four bytes of an account's address, as hex without prefix. */
export const accountFingerprint = (account: AccountId): string =>
  account.slice(account.lastIndexOf(':') + 3).slice(0, DIGITS);

/**
 * Joins fingerprints into a set that SQL searches with `instr(set, unhex(fingerprint))`. A search may also match across two fingerprints,
 * so after a match the caller reads the object and compares whole ids.
 */
export const fingerprintSet = (fingerprints: Iterable<string>): Uint8Array<ArrayBuffer> => {
  const digits = [...new Set(fingerprints)].join('');
  const bytes = new Uint8Array(digits.length / 2);
  for (let at = 0; at < bytes.length; at += 1)
    bytes[at] = Number.parseInt(digits.slice(2 * at, 2 * at + 2), 16);
  return bytes;
};
