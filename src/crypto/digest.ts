import { sha256 } from '@noble/hashes/sha2.js';
import type { Hex } from '../core/hex.ts';
import { hexOf } from './bytes.ts';

/** Hashes bytes with SHA-256, synchronously: for storage transactions and short texts. */
export const sha256Hex = (bytes: Uint8Array): Hex => hexOf(sha256(bytes));

/** Hashes a body with SHA-256 in the native code of the runtime. */
export const bodyDigest = async (body: Uint8Array<ArrayBuffer>): Promise<Hex> =>
  hexOf(new Uint8Array(await crypto.subtle.digest('SHA-256', body)));
