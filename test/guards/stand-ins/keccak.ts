import * as real from '../../../src/crypto/keccak.worker.ts';
import { counted } from '../tally.ts';

/** Counts hashes of typed data and keys. */
export const keccakOfDigits = counted('keccak', real.keccakOfDigits);
export const keccakOfBytes = counted('keccak', real.keccakOfBytes);
