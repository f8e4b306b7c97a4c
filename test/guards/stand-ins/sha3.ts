import * as real from '@noble/hashes/sha3.js';
import { counted } from '../tally.ts';

/** Stands in for what typed data and keys are hashed with: it does the same, and counts. */
export const keccak_256 = counted('keccak', (bytes: Uint8Array) => real.keccak_256(bytes));
