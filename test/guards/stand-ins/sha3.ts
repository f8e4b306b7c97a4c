import * as real from '@noble/hashes/sha3.js';
import { counted } from '../tally.ts';

/** Counts hashes of typed data and keys. */
export const keccak_256 = counted('keccak', (bytes: Uint8Array) => real.keccak_256(bytes));
