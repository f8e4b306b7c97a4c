import type { Key, Noun, Write } from './noun.ts';
import { compare, meets, type Query, type Reader } from './query.ts';

/** A reader with writes laid over it that are not on the disk yet. */
export type Overlay = Reader & {
  add(writes: Iterable<Write>): void;
  /** Every write, the last one for each value. */
  writes(): readonly Write[];
};

export const openOverlay = (below: Reader, writes: Iterable<Write> = []): Overlay => {
  const nouns = new Map<string, Map<Key, Write>>();

  const add = (more: Iterable<Write>): void => {
    for (const write of more) {
      const own = nouns.get(write.noun.name);
      if (own === undefined) nouns.set(write.noun.name, new Map([[write.key, write]]));
      else {
        // Delete before setting, so that the writes keep the order of their decisions.
        own.delete(write.key);
        own.set(write.key, write);
      }
    }
  };
  add(writes);

  const find = <Value, Fields extends string>(
    noun: Noun<Value, Fields>,
    query: Query<Fields> = {},
  ): Iterable<Value> => {
    const own = nouns.get(noun.name);
    if (own === undefined) return below.find(noun, query);
    const { where = [], highest, limit } = query;
    // Each write can replace one of the values that the limit counted, so read one more for each write.
    const more = limit === undefined ? query : { ...query, limit: limit + own.size };
    const kept = [...below.find(noun, more)].filter((value) => !own.has(noun.key(value)));
    const written = [...own.values()].flatMap(({ value }) =>
      value !== undefined && meets(noun, value as Value, where) ? [value as Value] : [],
    );
    return [...kept, ...written].toSorted(compare(noun, highest)).slice(0, limit);
  };

  return {
    get(noun, key) {
      const write = nouns.get(noun.name)?.get(key);
      return write === undefined
        ? below.get(noun, key)
        : (write.value as ReturnType<typeof noun.decode> | undefined);
    },
    find,
    count: (noun, query) =>
      nouns.has(noun.name) ? [...find(noun, query)].length : below.count(noun, query),
    add,
    writes() {
      const all: Write[] = [];
      for (const own of nouns.values()) for (const write of own.values()) all.push(write);
      return all;
    },
  };
};

/** A reader without values, for decisions that need no storage. */
export const NOTHING: Reader = { get: () => undefined, find: () => [], count: () => 0 };
