/** A map that holds at most a fixed number of entries. Other parties choose its keys, so a plain map could exhaust memory (CWE-770). */
export type BoundedMap<K, V> = {
  get(key: K): V | undefined;
  /** Writes an entry as the newest one, and evicts the oldest entry if the map is full. */
  set(key: K, value: V): void;
  delete(key: K): void;
};

export const createBoundedMap = <K, V>(limit: number): BoundedMap<K, V> => {
  const entries = new Map<K, V>();
  return {
    get: (key) => entries.get(key),
    set: (key, value) => {
      entries.delete(key);
      if (entries.size >= limit) {
        const [oldest] = entries.keys();
        if (oldest !== undefined) entries.delete(oldest);
      }
      entries.set(key, value);
    },
    delete: (key) => {
      entries.delete(key);
    },
  };
};

/** Memoizes at most `limit` results of a pure function and evicts the oldest first. */
export const memoize = <T, V>(
  limit: number,
  keyOf: (input: T) => string | number,
  make: (input: T) => V,
): ((input: T) => V) => {
  const results = createBoundedMap<string | number, V>(limit);
  return (input) => {
    const key = keyOf(input);
    const known = results.get(key);
    if (known !== undefined) return known;
    const made = make(input);
    results.set(key, made);
    return made;
  };
};
