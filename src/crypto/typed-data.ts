import { keccak_256 } from '@noble/hashes/sha3.js';
import { hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js';
import { type Address, type Hex } from '../core/hex.ts';
import { recent } from '../core/recent.ts';
import { hexOf } from './bytes.ts';

/** One 32-byte slot of an EIP-712 encoding, as 64 hex digits. */
export type Word = string;

const WORD_LIMIT = 1n << 256n;
const KEPT_NAMES = 1024;

/** A left-padded number. @throws RangeError outside uint256 */
export const uintWord = (value: bigint): Word => {
  if (value < 0n || value >= WORD_LIMIT) throw new RangeError('value does not fit a uint256');
  return value.toString(16).padStart(64, '0');
};

export const addressWord = (address: Address): Word => address.slice(2).padStart(64, '0');

export const bytes32Word = (hex: Hex): Word => hex.slice(2);

/** Strings are encoded by their hash. */
export const stringWord = (text: string): Word => hexOf(keccak_256(utf8ToBytes(text))).slice(2);

/** As `stringWord`, of what comes again with every call: the name of a tool, a method. The last ones are kept. */
export const nameWord = recent(KEPT_NAMES, (text: string) => text, stringWord);

/** Hash of a struct: its type hash, then its members, each one word. */
export const structHash = (...words: readonly Word[]): Word =>
  hexOf(keccak_256(hexToBytes(words.join('')))).slice(2);

/** Arrays are encoded by the hash of their elements' words (EIP-712); the empty one by the hash of nothing. */
export const arrayWord = (words: readonly Word[]): Word => structHash(...words);

/** What is signed: `keccak256(0x1901 ‖ domain separator ‖ struct hash)` (EIP-712). */
export const typedDataDigest = (domain: Word, struct: Word): Hex =>
  hexOf(keccak_256(hexToBytes(`1901${domain}${struct}`)));
