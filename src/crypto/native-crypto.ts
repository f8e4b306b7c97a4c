/**
 * Hashes and signatures by the native code of workerd and Node, synchronous: WebCrypto is native too, but each of its promises costs a paid
 * call more than the work does. Browsers lack `node:crypto`, so the client must not import this file; it uses `bytes.ts`.
 */
import { createHash, hash, KeyObject, sign, type webcrypto } from 'node:crypto';
import type { Hex } from '../core/hex.ts';

/** SHA-256 of no bytes: most requests have no body. */
const EMPTY: Hex = '0xe3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

/** Hashes bytes with SHA-256. */
export const nativeSha256 = (bytes: Uint8Array): Hex =>
  bytes.length === 0 ? EMPTY : `0x${hash('sha256', bytes, 'hex')}`;

/** Hashes the UTF-8 of a text with SHA-256. */
export const nativeSha256OfText = (text: string): Hex => `0x${hash('sha256', text, 'hex')}`;

/** Hashes bytes with SHA-256 as they come. */
export const openSha256 = (): {
  readonly update: (bytes: Uint8Array) => void;
  readonly digest: () => Hex;
} => {
  const hashing = createHash('sha256');
  return {
    update: (bytes) => void hashing.update(bytes),
    digest: () => `0x${hashing.digest('hex')}`,
  };
};

/** Returns a function that signs bytes with an Ed25519 private key. */
export const ed25519Signer = (key: CryptoKey): ((bytes: Uint8Array) => Uint8Array) => {
  // The types of workerd and of Node name the same class.
  const native = KeyObject.from(key as webcrypto.CryptoKey);
  return (bytes) => sign(null, bytes, native);
};
