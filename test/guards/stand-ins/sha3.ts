import { keccak_256 as keccak } from '@noble/hashes/sha3.js';
import { count } from '../tally.ts';

/** Stands in for what typed data and keys are hashed with: it does the same, and counts. */
export const keccak_256 = (bytes: Uint8Array): Uint8Array<ArrayBuffer> => {
  count('keccak');
  return keccak(bytes);
};
