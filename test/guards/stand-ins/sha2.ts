import { sha256 as sha } from '@noble/hashes/sha2.js';
import { count } from '../tally.ts';

/** Stands in for what texts and entries are hashed with, at once: it does the same, and counts. */
export const sha256 = (bytes: Uint8Array): Uint8Array<ArrayBuffer> => {
  count('sha256');
  return sha(bytes);
};
