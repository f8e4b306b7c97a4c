import * as real from '@noble/hashes/sha2.js';
import { counted } from '../tally.ts';

/** Stands in for what texts and entries are hashed with, at once: it does the same, and counts. */
export const sha256 = counted('sha256', (bytes: Uint8Array) => real.sha256(bytes));
