import type { Hex } from './hex.ts';

/** 16 random bytes, e.g. the id of an attempt or the salt of an entry. */
export const random16 = (): Hex => {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return `0x${Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')}`;
};
