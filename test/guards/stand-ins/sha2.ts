import * as real from '@noble/hashes/sha2.js';
import { counted } from '../tally.ts';

/** Counts synchronous hashes of texts and entries. */
export const sha256 = counted('sha256', (bytes: Uint8Array) => real.sha256(bytes));
