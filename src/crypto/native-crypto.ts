/**
 * Hashes by the native code of workerd and Node, synchronous: WebCrypto is native too, but each of its promises costs a paid
 * call more than the work does. Browsers lack `node:crypto`, so the client must not import this file; it uses `bytes.ts`.
 */
import { createHash } from 'node:crypto';
import type { Hex } from '../core/hex.ts';

/** Hashes bytes with SHA-256. */
export const nativeSha256 = (bytes: Uint8Array): Hex =>
  `0x${createHash('sha256').update(bytes).digest('hex')}`;
