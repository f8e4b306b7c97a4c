import type { Hex } from './hex.ts';

const randomHex = (length: number): Hex => {
  const bytes = crypto.getRandomValues(new Uint8Array(length));
  return `0x${Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')}`;
};

/** 16 random bytes, e.g. the id of an attempt or the salt of an entry. */
export const random16 = (): Hex => randomHex(16);

/** 32 random bytes, e.g. the id of a grant or the nonce of a plain payment. */
export const random32 = (): Hex => randomHex(32);
