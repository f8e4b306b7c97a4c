import { hash } from 'node:crypto';

/** SHA-256 by the native code of the runtime. */
export const sha256 = (bytes: Uint8Array): Uint8Array =>
  new Uint8Array(hash('sha256', bytes, 'buffer'));
