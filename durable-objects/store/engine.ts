import type { Disk } from './disk.ts';
import {
  EMPTY_JOURNAL,
  type Encoded,
  changeOf,
  endOf,
  extend,
  grown,
  isSnapshotDue,
  type Limits,
  LIMITS,
  lineOf,
  lineStart,
  readLine,
  rewound,
} from './journal.ts';
import { decode, type LiveValue, openLiveValues, retentionOf } from './live-values.ts';
import type { Change, Medium } from './medium.ts';
import { type AnyNoun, anyNoun, type Key, type Noun, type Write } from './noun.ts';
import { openEndedValues, openLowestEntries } from './ended-values.ts';
import { type Ended, type Horizon, isOver, pack } from './pages.ts';
import { compare, meets, type Query } from './query.ts';

/** Forgets nothing. */
const NEVER: Horizon = { now: 0, exported: 0 };

/** A write in the form of the journal; without `encoded` it is a removal. */
type Changed = Write & { readonly encoded: Encoded | undefined; readonly start: string };

type Located = { readonly noun: AnyNoun; readonly key: Key; readonly live: LiveValue };

/**
 * Keeps the values of one object: live ones in memory and in the journal, ended ones in pages.
 *
 * - A write is one journal row, in one transaction. Memory changes only after it.
 * - When the journal is long enough, the next write first takes a snapshot in the same transaction: ended values go into pages and leave
 *   memory, all others are written again from slot 0 on. So every value has its newest copy in the journal or in a page, always.
 * - An object that wakes reads the journal, and only the fingerprints of the pages.
 * - Forgetting is not recorded: an object that wakes may still have values whose time is over, and forgets them again.
 *
 * Race: an ended value that changes has an older copy in a page. Its newer copy must not be forgotten first, or the older one would
 * return. So it is kept at least as long as any page that may hold a copy.
 */
export const openEngine = (medium: Medium, limits: Limits = LIMITS): Disk => {
  const rows = medium.journal();
  const live = openLiveValues();
  const pages = openEndedValues(medium);
  /** The nouns used since the object woke. Values of all other nouns stay in memory. */
  const nouns = new Map<string, AnyNoun>();
  let end =
    rows.length === 0 ? EMPTY_JOURNAL : { ...endOf(rows), seq: (rows.at(-1)?.seq ?? 0) + 1 };
  let alarms = 0;
  let isClosed = false;
  for (const { text } of rows) {
    for (const line of text.split('\n')) {
      const { noun, key, encoded } = readLine(line);
      live.set(noun, key, encoded && grown(live.get(noun, key), encoded));
    }
  }

  const known = <Value, Fields extends string>(noun: Noun<Value, Fields>): AnyNoun => {
    const any = anyNoun(noun);
    if (!nouns.has(noun.name)) nouns.set(noun.name, any);
    return any;
  };

  const find = <Value, Fields extends string>(
    noun: Noun<Value, Fields>,
    query: Query<Fields> = {},
  ): readonly Value[] => {
    known(noun);
    const inMemory = live.find(noun, query);
    if (noun.forgetAt === undefined) return inMemory;
    const { where = [], highest, limit } = query;
    const isLive = (key: Key): boolean => live.get(noun.name, key) !== undefined;
    const ended = pages.all(noun, isLive).filter((value) => meets(noun, value, where));
    return [...inMemory, ...ended].toSorted(compare(noun, highest)).slice(0, limit);
  };

  /** The companions of a value that are in memory and still belong to it. */
  const companionsOf = (noun: AnyNoun, value: LiveValue): readonly Located[] =>
    noun.companions === undefined
      ? []
      : retentionOf(noun, value).companions.flatMap((write) => {
          const companion = live.get(write.noun.name, write.key);
          const isOwn = companion?.text === encode(write).text;
          return companion !== undefined && isOwn ? [{ ...write, live: companion }] : [];
        });

  /** Companions that are in a page with an older copy of a written value: they return to memory with it, and leave with it again. */
  const returningWith = ({ noun, key, value }: Write): readonly Write[] =>
    noun.companions === undefined ||
    live.get(noun.name, key) !== undefined ||
    pages.pagesOf(noun.name, key).length === 0
      ? []
      : noun.companions(value).filter((companion) => {
          const { noun: of, key: name } = companion;
          return pages.load(of.name, name)?.text === encode(companion).text;
        });

  /** Ended values in memory, with their companions. `over`: the values that may be forgotten because no page has an older copy. */
  const endedValues = function* (horizon: Horizon) {
    for (const noun of nouns.values()) {
      if (noun.forgetAt === undefined) continue;
      for (const [key, value] of live.of(noun.name)) {
        const { until, firstSeq, lastSeq } = retentionOf(noun, value);
        if (until === undefined) continue;
        const older = pages.pagesOf(noun.name, key);
        const retention = {
          until: Math.max(until, ...older.map((page) => page.until)),
          firstSeq,
          lastSeq: Math.max(lastSeq, ...older.map((page) => page.lastSeq)),
        };
        const values: readonly Located[] = [
          { noun, key, live: value },
          ...companionsOf(noun, value),
        ];
        yield { values, retention, isForgotten: older.length === 0 && isOver(retention, horizon) };
      }
    }
  };

  /** The last write of each value, encoded. Removing a value that is not there changes nothing. */
  const changesOf = (writes: Iterable<Write>): readonly Changed[] => {
    const changes = new Map<string, Changed>();
    for (const write of writes) {
      const all = write.value === undefined ? [write] : [...returningWith(write), write];
      for (const each of all) {
        const { noun, key, value } = each;
        const encoded = value === undefined ? undefined : encode(each);
        const start = lineStart(noun.name, key);
        changes.set(start, { noun, key, value, encoded, start });
      }
    }
    for (const [start, { noun, key, encoded }] of changes) {
      if (encoded === undefined && live.get(noun.name, key) === undefined) changes.delete(start);
    }
    return [...changes.values()];
  };

  const commit = (change: Change): void => {
    if (isClosed) throw new Error('This disk was replaced.');
    medium.commit(change);
  };

  /** Forgets values of memory. Their lines stay in the journal until its next snapshot. */
  const leave = (values: Iterable<Located>): void => {
    for (const { noun, key } of values) live.set(noun.name, key, undefined);
  };

  /**
   * The values that a snapshot writes before a group with these changes. It omits values that the changes replace, but keeps their
   * companions.
   */
  const snapshot = (horizon: Horizon, changes: readonly Changed[]) => {
    const replaced = new Set(changes.map(({ noun, key }) => live.get(noun.name, key)));
    const ended: Ended[] = [];
    const left = new Map<LiveValue, Located>();
    for (const { values, retention, isForgotten } of endedValues(horizon)) {
      if (values.some((each) => replaced.has(each.live))) continue;
      for (const value of values) left.set(value.live, value);
      if (isForgotten) continue;
      ended.push({
        ...retention,
        lines: values.map(({ noun, key, live: encoded }) => lineOf(noun.name, key, encoded)),
        prints: values.map(({ noun, key }) => pages.print(noun.name, key)),
      });
    }
    const lines: string[] = [];
    for (const [noun, key, encoded] of live.all()) {
      if (left.has(encoded) || replaced.has(encoded)) continue;
      lines.push(lineOf(noun, key, encoded));
    }
    const packed = pack(ended, pages.nextId(), pages.seed, horizon.now, limits);
    return { lines, left: left.values(), packed, forgotten: pages.over(horizon) };
  };

  /** A snapshot and the group after it. `adopt` changes memory, once both are stored. */
  const planSnapshot = (
    horizon: Horizon,
    changes: readonly Changed[],
    lines: readonly string[],
  ) => {
    const { lines: kept, left, packed, forgotten } = snapshot(horizon, changes);
    const first = extend(rewound(end), 'snapshot', kept, limits);
    const next = extend(first.end, 'group', lines, limits);
    const change: Change = { rows: [...first.rows, ...next.rows], pages: packed, forgotten };
    const adopt = (): void => {
      ({ end } = next);
      leave(left);
      for (const id of forgotten) pages.drop(id);
      for (const page of packed) pages.add(page);
    };
    return { change, adopt };
  };

  return {
    get(noun, key) {
      known(noun);
      const inMemory = live.get(noun.name, key);
      if (inMemory !== undefined) return decode(noun, inMemory);
      const ended = pages.load(noun.name, key);
      return ended && noun.decode(ended.text, ended.parts);
    },
    find,
    count: (noun, query) =>
      query?.where === undefined && noun.forgetAt === undefined
        ? Math.min(live.size(noun.name), query?.limit ?? Infinity)
        : find(noun, query).length,
    brief(noun, query = {}) {
      known(noun);
      return live.find(noun, query, 'brief');
    },
    entriesAfter(from, after, limit) {
      const lowest = openLowestEntries(after, limit);
      for (const noun of from) {
        for (const [, value] of live.of(known(noun).name)) {
          if (retentionOf(noun, value).lastSeq > after)
            lowest.add(noun.entries?.(decode(noun, value)));
        }
      }
      pages.addEntries(from, lowest);
      return lowest.all();
    },
    write(writes, horizon = NEVER) {
      const changes = changesOf(writes);
      if (changes.length === 0) return;
      if (isSnapshotDue(end, limits)) {
        // The snapshot omits the values that these lines replace, so their lines are whole.
        const lines = changes.map((change) => lineAfter(change, undefined));
        const taken = planSnapshot(horizon, changes, lines);
        commit(taken.change);
        taken.adopt();
      } else {
        const lines = changes.map((change) =>
          lineAfter(change, live.get(change.noun.name, change.key)),
        );
        const next = extend(end, 'group', lines, limits);
        commit({ rows: next.rows, pages: [], forgotten: [] });
        ({ end } = next);
      }
      for (const { noun, key, value, encoded } of changes) {
        known(noun);
        const stored: LiveValue | undefined = encoded;
        if (stored !== undefined && noun.forgetAt !== undefined) retentionOf(noun, stored, value);
        live.set(noun.name, key, stored);
      }
    },
    forget(horizon) {
      const over = [...endedValues(horizon)].filter(({ isForgotten }) => isForgotten);
      leave(over.flatMap(({ values }) => values));
      const forgotten = pages.over(horizon);
      if (forgotten.length > 0) {
        commit({ rows: [], pages: [], forgotten });
        for (const id of forgotten) pages.drop(id);
      }
      return pages.nextOver(horizon.exported);
    },
    compact(horizon) {
      if (end.slot === 0) return;
      const { change, adopt } = planSnapshot(horizon, [], []);
      // Without a row at slot 0, the journal before would be the present one.
      if (change.rows.length === 0) return;
      commit({ ...change, leftoversFrom: change.rows.length });
      adopt();
    },
    close() {
      isClosed = true;
    },
    check: () => medium.check(),
    characters: () => live.characters(),
    exists: () => end.slot > 0,
    rowsWritten: () => medium.rowsWritten() + alarms,
    countRow() {
      alarms += 1;
    },
  };
};

const NO_PARTS: readonly string[] = [];

const encode = ({ noun, value }: Write): Encoded => {
  const encoded = noun.encode(value);
  if (typeof encoded === 'string') return { text: encoded, parts: NO_PARTS };
  const [text, ...parts] = encoded;
  return { text, parts };
};

/** The line of a change. @param known the value before it, if the journal has that. */
const lineAfter = ({ noun, start, encoded }: Changed, known: Encoded | undefined): string =>
  encoded === undefined ? start : changeOf(noun.name, start, known, encoded);
