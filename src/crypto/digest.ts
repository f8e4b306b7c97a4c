import { sha256 } from '@noble/hashes/sha2.js';
import type { Hex } from '../core/hex.ts';
import { hexOf } from './bytes.ts';

/** SHA-256 of a few bytes, at once: for use inside a transaction or on short texts. */
export const sha256Hex = (bytes: Uint8Array): Hex => hexOf(sha256(bytes));

/** SHA-256 of a body, by the runtime's native code. */
export const bodyDigest = async (body: Uint8Array<ArrayBuffer>): Promise<Hex> =>
  hexOf(new Uint8Array(await crypto.subtle.digest('SHA-256', body)));
