import type { Hex } from './hex.ts';

/** 16 fresh random bytes: an attempt's name (design §4.6), an entry's salt (§7). */
export const random16 = (): Hex => {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return `0x${Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')}`;
};
