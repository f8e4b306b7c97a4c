import type { Entry } from '../../src/protocol/entry.ts';
import { type Encoded, readLine } from './journal.ts';
import type { Medium } from './medium.ts';
import type { AnyNoun, Key, Noun } from './noun.ts';
import { openPageIndex, type PageIndex } from './page-index.ts';
import { findLine } from './pages.ts';

/** The values that have left memory: the index of their pages in memory, their texts on disk. */
export type EndedValues = PageIndex & {
  /** Reads the newest copy of a value. */
  load(noun: string, key: Key): Encoded | undefined;
  /** Reads the newest copy of every value of a noun. Decisions must not call it, because it reads all pages. */
  all<Value, Fields extends string>(
    noun: Noun<Value, Fields>,
    isLive: (key: Key) => boolean,
  ): readonly Value[];
  /** Adds the entries of these nouns. Reads only pages that may hold one of the lowest. */
  addEntries(nouns: readonly AnyNoun[], lowest: LowestEntries): void;
};

export const openEndedValues = (medium: Medium): EndedValues => {
  const index = openPageIndex(medium.pages());
  const linesOf = (id: number) => medium.pageText(id).split('\n').map(readLine);

  return {
    ...index,
    load(noun, key) {
      for (const { id } of index.pagesOf(noun, key)) {
        const line = findLine(medium.pageText(id), noun, key);
        if (line !== undefined) return readLine(line).encoded;
      }
      return undefined;
    },
    all(noun, isLive) {
      const found = new Map<Key, ReturnType<typeof noun.decode>>();
      const newestFirst = [...index.heads()].toSorted((one, other) => other.id - one.id);
      for (const { id } of newestFirst) {
        for (const { noun: name, key, encoded } of linesOf(id)) {
          if (name !== noun.name || found.has(key) || isLive(key) || encoded === undefined)
            continue;
          found.set(key, noun.decode(encoded.text, encoded.parts));
        }
      }
      return [...found.values()];
    },
    addEntries(nouns, lowest) {
      const byName = new Map(nouns.map((noun) => [noun.name, noun]));
      const unread = [...index.heads()].filter(({ lastSeq }) => lastSeq > lowest.after);
      for (const { id, firstSeq } of unread.toSorted(
        (one, other) => one.firstSeq - other.firstSeq,
      )) {
        // Pages are in the order of their first entries, so all further pages have only higher ones.
        if (firstSeq > lowest.highest()) return;
        for (const { noun: name, encoded } of linesOf(id)) {
          const noun = byName.get(name);
          if (noun === undefined || encoded === undefined) continue;
          lowest.add(noun.entries?.(noun.decode(encoded.text, encoded.parts)));
        }
      }
    },
  };
};

/** The entries with the lowest seqs after one, at most `limit`: a backlog may be larger than the memory of an isolate. */
export type LowestEntries = {
  readonly after: number;
  add(entries: readonly Entry[] | undefined): void;
  /** The highest seq that still belongs to the result; Infinity while the result is not full. */
  highest(): number;
  all(): readonly Entry[];
};

export const openLowestEntries = (after: number, limit: number): LowestEntries => {
  /** By seq: copies of one value hold the same entries. */
  let kept = new Map<number, Entry>();

  const trim = (): void => {
    const ordered = [...kept].toSorted(([one], [other]) => one - other);
    kept = new Map(ordered.slice(0, limit));
  };

  return {
    after,
    add(entries = []) {
      for (const entry of entries) if (entry.seq > after) kept.set(entry.seq, entry);
      if (kept.size > 2 * limit) trim();
    },
    highest() {
      trim();
      return kept.size < limit ? Infinity : ([...kept.keys()].at(-1) ?? Infinity);
    },
    all() {
      trim();
      return [...kept.values()];
    },
  };
};
