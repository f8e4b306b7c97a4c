import { keccakOfBytes, keccakOfDigits } from '#keccak';
import type { Address, Hex } from '../core/hex.ts';
import { memoize } from '../core/bounded-map.ts';
import { utf8 } from './bytes.ts';

/** One 32-byte slot of an EIP-712 encoding, as 64 hex digits. */
export type Word = string;

const WORD_LIMIT = 1n << 256n;
const CACHED_NAMES = 1024;

/** Encodes a number. @throws RangeError outside uint256. */
export const uintWord = (value: bigint): Word => {
  if (value < 0n || value >= WORD_LIMIT) throw new RangeError('value does not fit a uint256');
  return value.toString(16).padStart(64, '0');
};

/** Encodes an address. */
export const addressWord = (address: Address): Word => address.slice(2).padStart(64, '0');

/** Encodes 32 bytes. */
export const bytes32Word = (hex: Hex): Word => hex.slice(2);

/** Encodes a string, by its hash. */
export const stringWord = (text: string): Word => keccakOfBytes(utf8(text));

/** Like `stringWord`, cached: for strings that recur in every call, such as a tool or a method. */
export const nameWord = memoize(CACHED_NAMES, (text: string) => text, stringWord);

/** Hashes a struct: its type hash and its members, one word each. */
export const structHash = (...words: readonly Word[]): Word => keccakOfDigits(words.join(''));

/** Encodes an array, by the hash of its elements' words. */
export const arrayWord = (words: readonly Word[]): Word => structHash(...words);

/** Returns the digest that a wallet signs: `keccak256(0x1901 ‖ domain separator ‖ struct hash)` (EIP-712). */
export const typedDataDigest = (domain: Word, struct: Word): Hex =>
  `0x${keccakOfDigits(`1901${domain}${struct}`)}`;
