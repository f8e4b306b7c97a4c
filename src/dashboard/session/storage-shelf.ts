import type { Shelf } from '../../client/shelf.ts';

/** The part of `Storage` that records need. */
export type TextStorage = Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>;

/**
 * Signed requests as JSON in `localStorage` or `sessionStorage`, by whole keys. Text that is no JSON is listed as it is.
 *
 * Race: `localStorage` has no compare-and-set between tabs, so what is kept here needs a lock.
 *
 * @param storage opened with each use: a browser that denies it throws at its name
 */
export const storageShelf = (storage: () => TextStorage): Shelf => ({
  list: async (key) => {
    const text = storage().getItem(key);
    return text === null ? [] : [[key, valueOf(text)]];
  },
  add: async (key, value) => {
    if (storage().getItem(key) !== null) return false;
    storage().setItem(key, JSON.stringify(value));
    return true;
  },
  remove: async (key) => storage().removeItem(key),
});

const valueOf = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
};
