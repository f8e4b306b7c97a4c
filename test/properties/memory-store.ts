import { compare, meets, type Reader } from '../../durable-objects/store/query.ts';
import type { Key, Noun, Write } from '../../durable-objects/store/noun.ts';

/** Storage without SQL. It keeps encoded values, so that each read runs the codec of its noun. */
export type MemoryStore = Reader & { write(writes: Iterable<Write>): void };

type Encoded = readonly [text: string, ...parts: readonly string[]];

const decode = <Value, Fields extends string>(
  noun: Noun<Value, Fields>,
  [text, ...parts]: Encoded,
): Value => noun.decode(text, parts);

export const openMemoryStore = (): MemoryStore => {
  const nouns = new Map<string, Map<Key, Encoded>>();

  const all = function* <Value, Fields extends string>(noun: Noun<Value, Fields>): Iterable<Value> {
    for (const encoded of nouns.get(noun.name)?.values() ?? []) yield decode(noun, encoded);
  };
  const find: Reader['find'] = (noun, { where = [], highest, limit } = {}) =>
    [...all(noun)]
      .filter((value) => meets(noun, value, where))
      .toSorted(compare(noun, highest))
      .slice(0, limit);

  return {
    get(noun, key) {
      const encoded = nouns.get(noun.name)?.get(key);
      return encoded && decode(noun, encoded);
    },
    find,
    count: (noun, query) => [...find(noun, query)].length,
    write(writes) {
      for (const { noun, key, value } of writes) {
        const own = nouns.get(noun.name) ?? new Map<Key, Encoded>();
        nouns.set(noun.name, own);
        if (value === undefined) {
          own.delete(key);
          continue;
        }
        const encoded = noun.encode(value);
        own.set(key, typeof encoded === 'string' ? [encoded] : encoded);
      }
    },
  };
};
