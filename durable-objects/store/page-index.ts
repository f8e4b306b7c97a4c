import type { Seconds } from '../../src/core/clock.ts';
import { lineStart } from './journal.ts';
import type { Key } from './noun.ts';
import { type Horizon, isOver, type PageHead } from './pages.ts';

/**
 * Finds the pages that may hold a value: an open-addressing table of fingerprints and page ids, eight bytes for each key. An account that
 * remembers a million calls has no object for each of them. A page is read only if the fingerprint of a key matches.
 */
export type PageIndex = {
  /** The fingerprint of a key. Seeded: a payer chooses the ids of its calls, and must not choose where they collide (CWE-407). */
  print(noun: string, key: Key): number;
  readonly seed: number;
  /** Pages that may hold the value, newest first. */
  pagesOf(noun: string, key: Key): readonly PageHead[];
  add(page: PageHead): void;
  drop(id: number): void;
  heads(): Iterable<PageHead>;
  nextId(): number;
  /** Pages all of whose values may be forgotten. */
  over(horizon: Horizon): readonly number[];
  /** When the next page may be forgotten; undefined if no exported page is left. */
  nextOver(exported: number): Seconds | undefined;
};

const SMALLEST = 1_024;

/** @param randomSeed for an object without pages. */
export const openPageIndex = (
  stored: Iterable<PageHead>,
  randomSeed: () => number = () => crypto.getRandomValues(new Uint32Array(1))[0] ?? 0,
): PageIndex => {
  const heads = new Map<number, PageHead>();
  for (const { text: _, ...head } of stored as Iterable<PageHead & { readonly text?: string }>) {
    heads.set(head.id, head);
  }
  const seed = heads.values().next().value?.prints[0] ?? randomSeed();
  let prints = new Uint32Array();
  let ids = new Uint32Array();
  let used = 0;
  let lastId = Math.max(0, ...[...heads.keys()].slice(-1));

  const insert = (print: number, id: number): void => {
    const mask = prints.length - 1;
    let at = print & mask;
    while (ids[at] !== 0) at = (at + 1) & mask;
    prints[at] = print;
    ids[at] = id;
    used += 1;
  };
  const insertAll = (head: PageHead): void => {
    for (let at = 1; at < head.prints.length; at += 1) insert(head.prints[at] ?? 0, head.id);
  };
  /** Rebuilds the table without the keys of dropped pages, at most half full. */
  const rebuild = (more: number): void => {
    let keys = more;
    for (const { prints: own } of heads.values()) keys += own.length - 1;
    let size = SMALLEST;
    while (size < keys * 2) size *= 2;
    prints = new Uint32Array(size);
    ids = new Uint32Array(size);
    used = 0;
    for (const head of heads.values()) insertAll(head);
  };
  rebuild(0);

  const print = (noun: string, key: Key): number => {
    const text = lineStart(noun, key);
    // FNV-1a, and the finaliser of MurmurHash3, so that the low bits depend on all characters.
    let hash = seed ^ 0x811c9dc5;
    for (let at = 0; at < text.length; at += 1) {
      hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
    }
    hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
    return (hash ^ (hash >>> 16)) >>> 0;
  };

  return {
    print,
    seed,
    pagesOf(noun, key) {
      if (heads.size === 0) return [];
      const wanted = print(noun, key);
      const mask = prints.length - 1;
      const found: PageHead[] = [];
      for (let at = wanted & mask; ids[at] !== 0; at = (at + 1) & mask) {
        const head = prints[at] === wanted ? heads.get(ids[at] ?? 0) : undefined;
        if (head !== undefined && !found.includes(head)) found.push(head);
      }
      return found.toSorted((one, other) => other.id - one.id);
    },
    add({ id, until, firstSeq, lastSeq, prints: own }) {
      if ((used + own.length) * 4 > prints.length * 3) rebuild(own.length);
      const head = { id, until, firstSeq, lastSeq, prints: own };
      heads.set(id, head);
      lastId = Math.max(lastId, id);
      insertAll(head);
    },
    drop: (id) => void heads.delete(id),
    heads: () => heads.values(),
    nextId: () => lastId + 1,
    over: (horizon) =>
      [...heads.values()].filter((head) => isOver(head, horizon)).map(({ id }) => id),
    nextOver(exported) {
      let next: Seconds | undefined;
      for (const { until, lastSeq } of heads.values()) {
        if (lastSeq <= exported) next = Math.min(next ?? until, until);
      }
      return next;
    },
  };
};
