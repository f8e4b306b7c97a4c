/** Where signed requests are kept. A storage that is denied or full, or hangs, rejects. */
export type Shelf = {
  /** The values under the keys that begin with `prefix`. */
  readonly list: (prefix: string) => Promise<readonly (readonly [key: string, value: unknown])[]>;
  /** Stores a value under a key that has none. @returns false if it has one, e.g. of another tab */
  readonly add: (key: string, value: unknown) => Promise<boolean>;
  readonly remove: (key: string) => Promise<unknown>;
};

/** The result of a storage; undefined if it rejects. */
export const tried = async <T>(work: () => Promise<T>): Promise<T | undefined> => {
  try {
    return await work();
  } catch {
    return undefined;
  }
};

/** Keeps requests in memory, as long as the page is open. */
export const memoryShelf = (values: Map<string, unknown> = new Map()): Shelf => ({
  list: async (prefix) => [...values].filter(([key]) => key.startsWith(prefix)),
  add: async (key, value) => !values.has(key) && values.set(key, value) === values,
  remove: async (key) => values.delete(key),
});

/** Keeps in `second` what `first` refuses to keep. */
export const shelfOr = (first: Shelf, second: Shelf): Shelf => ({
  list: async (prefix) => [
    ...((await tried(async () => await first.list(prefix))) ?? []),
    ...(await second.list(prefix)),
  ],
  add: async (key, value) =>
    (await second.list(key)).every(([at]) => at !== key) &&
    ((await tried(async () => await first.add(key, value))) ?? (await second.add(key, value))),
  remove: async (key) => await Promise.allSettled([first.remove(key), second.remove(key)]),
});
