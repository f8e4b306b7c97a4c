import { isRemovable, type Shelf } from '../../client/shelf.ts';

/** The part of `Storage` that the shelf needs. */
export type TextStorage = Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>;

/**
 * Stores signed requests as JSON in `localStorage` or `sessionStorage`. `list` finds only the key that equals its prefix, and returns text
 * that is not JSON unchanged.
 *
 * Race: `localStorage` has no compare-and-set between tabs, so callers of `add` must hold a lock.
 *
 * @param storage called at each use, because a browser that denies storage throws when code names `localStorage`
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
  remove: async (key, only) => {
    const text = storage().getItem(key);
    if (text !== null && isRemovable(valueOf(text), only)) storage().removeItem(key);
  },
});

const valueOf = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
};
