import type { Seconds } from '../../src/core/clock.ts';
import type { Entry } from '../../src/protocol/entry.ts';
import type { Encoded } from './journal.ts';
import type { AnyNoun, Key, Noun, Write } from './noun.ts';
import { compare, compareFields, holds, meets, type Query } from './query.ts';

/** A value in memory, as text until a reader needs it: calls of a busy account are many, and most are read once. */
export type LiveValue = Encoded & {
  /** Decoded, if it has no detail. */
  decoded?: unknown;
  retention?: Retained;
};

/** The facts that decide whether a value may leave memory, and be forgotten. */
type Retained = {
  /** Undefined while work on the value is due. */
  readonly until: Seconds | undefined;
  readonly firstSeq: number;
  readonly lastSeq: number;
  /** What leaves memory with the value. Kept, because decoding every ended value to know it costs more than the rest of an alarm. */
  readonly companions: readonly Write[];
};

const NO_COMPANIONS: readonly Write[] = [];

/** All values of an object that are not in pages, by noun and key. */
export type LiveValues = {
  get(noun: string, key: Key): LiveValue | undefined;
  set(noun: string, key: Key, value: LiveValue | undefined): void;
  all(): Iterable<readonly [noun: string, key: Key, value: LiveValue]>;
  of(noun: string): Iterable<readonly [key: Key, value: LiveValue]>;
  size(noun?: string): number;
  /** Length of all texts and details: the memory that they use in the isolate. */
  characters(): number;
  find<Value, Fields extends string>(
    noun: Noun<Value, Fields>,
    query: Query<Fields>,
    form?: 'whole' | 'brief',
  ): readonly Value[];
};

type Table = {
  readonly values: Map<Key, LiveValue>;
  /** The sorted keys; undefined after a key was added or removed. */
  ordered: readonly Key[] | undefined;
};

export const openLiveValues = (): LiveValues => {
  const tables = new Map<string, Table>();
  let characters = 0;

  const tableOf = (noun: string): Table => {
    const known = tables.get(noun);
    if (known !== undefined) return known;
    const table: Table = { values: new Map(), ordered: undefined };
    tables.set(noun, table);
    return table;
  };

  return {
    get: (noun, key) => tables.get(noun)?.values.get(key),
    set(noun, key, value) {
      const table = tableOf(noun);
      characters += lengthOf(value) - lengthOf(table.values.get(key));
      if ((value === undefined) === table.values.has(key)) table.ordered = undefined;
      if (value === undefined) table.values.delete(key);
      else table.values.set(key, value);
    },
    *all() {
      for (const [noun, { values }] of tables) {
        for (const [key, value] of values) yield [noun, key, value];
      }
    },
    of: (noun) => tables.get(noun)?.values ?? [],
    size: (noun) =>
      noun === undefined
        ? [...tables.values()].reduce((sum, { values }) => sum + values.size, 0)
        : (tables.get(noun)?.values.size ?? 0),
    characters: () => characters,
    find(noun, { where = [], highest = [], limit = Infinity }, form = 'whole') {
      const table = tables.get(noun.name);
      if (table === undefined) return [];
      table.ordered ??= [...table.values.keys()].toSorted(compareFields);
      const byKey = where.filter(([field]) => field === 'key');
      const byField = where.filter(([field]) => field !== 'key');
      const found: ReturnType<typeof noun.decode>[] = [];
      for (const key of table.ordered) {
        if (highest.length === 0 && found.length >= limit) break;
        // Compare keys first: a value that they exclude need not be decoded.
        if (!byKey.every(([, is, than]) => holds(key, is, than))) continue;
        const live = table.values.get(key);
        if (live === undefined) continue;
        const value = form === 'brief' ? noun.decode(live.text, []) : decode(noun, live);
        if (meets(noun, value, byField)) found.push(value);
      }
      if (highest.length > 0) found.sort(compare(noun, highest));
      return found.slice(0, limit);
    },
  };
};

const lengthOf = (value: Encoded | undefined): number =>
  value === undefined
    ? 0
    : value.parts.reduce((length, part) => length + part.length, value.text.length);

/** Decodes a value, and keeps the result if the value is small. */
export const decode = <Value, Fields extends string>(
  noun: Noun<Value, Fields>,
  live: LiveValue,
): Value => {
  if (live.parts.length > 0) return noun.decode(live.text, live.parts);
  live.decoded ??= noun.decode(live.text, live.parts);
  return live.decoded as Value;
};

/** Computes once the facts that decide whether a value may be forgotten. @param value the decoded value, if the caller has it. */
export const retentionOf = (noun: AnyNoun, live: LiveValue, value?: unknown): Retained => {
  if (live.retention !== undefined) return live.retention;
  const whole = value ?? decode(noun, live);
  const entries: readonly Entry[] = noun.entries?.(whole) ?? [];
  const until = noun.forgetAt?.(whole);
  live.retention = {
    // Attack: a payer chooses when its proof ends. A larger number would not fit into the column, and the group that stores it would fail
    // again and again.
    until: until === undefined ? undefined : Math.min(until, Number.MAX_SAFE_INTEGER),
    firstSeq: entries[0]?.seq ?? 0,
    lastSeq: entries.at(-1)?.seq ?? 0,
    companions: noun.companions?.(whole) ?? NO_COMPANIONS,
  };
  return live.retention;
};
