import * as real from 'node:crypto';
import { counted } from '../tally.ts';

/** Counts hashes and signatures under the same names as calls of WebCrypto. */
export * from 'node:crypto';
export const hash = counted('native.digest', real.hash as (...given: never[]) => unknown);
export const createHash = counted('native.digest', real.createHash);
export const sign = counted('native.sign', real.sign as (...given: never[]) => unknown);
