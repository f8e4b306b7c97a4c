/** A storage of signed requests. Its methods reject if the browser denies the storage, or if it is full or hangs. */
export type Shelf = {
  /** The values under the keys that begin with `prefix`. */
  readonly list: (prefix: string) => Promise<readonly (readonly [key: string, value: unknown])[]>;
  /** Stores a value under a free key. @returns false if the key already has a value, e.g. of another tab */
  readonly add: (key: string, value: unknown) => Promise<boolean>;
  /** Removes the value of a key; with `only`, if the key still has that value. */
  readonly remove: (key: string, only?: unknown) => Promise<unknown>;
};

/** Returns the result of work on a storage; undefined if the work rejects. */
export const tried = async <T>(work: () => Promise<T>): Promise<T | undefined> => {
  try {
    return await work();
  } catch {
    return undefined;
  }
};

/** Whether a key's value may be removed (`Shelf.remove`). Kept requests are JSON. */
export const isRemovable = (value: unknown, only: unknown): boolean =>
  only === undefined || JSON.stringify(value) === JSON.stringify(only);

/** Keeps requests in memory, as long as the page is open. */
export const memoryShelf = (values: Map<string, unknown> = new Map()): Shelf => ({
  list: async (prefix) => [...values].filter(([key]) => key.startsWith(prefix)),
  add: async (key, value) => !values.has(key) && values.set(key, value) === values,
  remove: async (key, only) => isRemovable(values.get(key), only) && values.delete(key),
});

/**
 * Stores in `first`, or in `second` if `first` rejects from the start. Once `first` has answered, it may hold requests, so its later silence
 * rejects: an empty list would let the page sign a second time.
 */
export const shelfOr = (first: Shelf, second: Shelf): Shelf => {
  let hasAnswered = false;
  const ask = async <T>(work: () => Promise<T>): Promise<T | undefined> => {
    try {
      const answer = await work();
      hasAnswered = true;
      return answer;
    } catch (error) {
      if (hasAnswered) throw error;
      return undefined;
    }
  };
  return {
    list: async (prefix) => [
      ...((await ask(async () => await first.list(prefix))) ?? []),
      ...(await second.list(prefix)),
    ],
    add: async (key, value) =>
      (await second.list(key)).every(([at]) => at !== key) &&
      ((await tried(async () => await first.add(key, value))) ?? (await second.add(key, value))),
    remove: async (key, only) =>
      await Promise.allSettled([first.remove(key, only), second.remove(key, only)]),
  };
};
