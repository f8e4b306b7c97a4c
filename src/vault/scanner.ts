import { concatBytes } from '@noble/hashes/utils.js';
import { type Automaton, FOLDED, WINDOW } from './automaton.ts';
import { type Candidate, follow, type Hit } from './candidate.ts';
import { type Escape, readEscapes } from './escape.ts';

/**
 * Finds patterns in a stream, wherever chunks are cut and whichever bytes of a pattern are escaped. Positions count from the start of the
 * stream.
 */
export type Scanner = {
  /** Reads a chunk. Returns the patterns that end in it. An escape that the end of the chunk cuts is read with the next chunk. */
  readonly feed: (chunk: Uint8Array) => readonly Hit[];
  /** Reads what `feed` left, at the end of the stream. */
  readonly end: () => readonly Hit[];
  /** No pattern that is not found yet starts before this position. */
  readonly settled: () => number;
};

/**
 * A reading of the stream in which an escape may belong to a pattern. Every escape is read both decoded and literally: with only one of the
 * two, text before a secret could swallow its first bytes (`%4` before a secret that begins with 1).
 */
type Reading = {
  /** The position of the next byte. */
  readonly at: number;
  readonly node: number;
  /** The position of each byte on the path to `node`. */
  readonly starts: readonly number[];
};

/** Ends the stream: a byte that occurs in neither UTF-8 nor escapes, so it completes whatever precedes it. */
const END = Uint8Array.of(0xff);
const NOTHING = new Uint8Array(0);
const NONE: readonly Escape[] = [];

export const openScanner = (automaton: Automaton): Scanner => {
  const { classes, classCount, firstTrigger, next, accepts, outputs, depths } = automaton;
  const isTrigger = (byte: number): boolean => (classes[byte] ?? 0) >= firstTrigger;
  /** The state of the plain reading, which takes every byte literally. */
  let node = 0;
  let readings: readonly Reading[] = [];
  let open: Candidate[] = [];
  let rest: Uint8Array = NOTHING;
  /** The position of the first byte of `rest`. */
  let position = 0;

  const scan = (source: Uint8Array): readonly Hit[] => {
    const base = position;
    const hits: Hit[] = [];
    const due = open;
    open = [];

    const text = { source, base, isTrigger, seen: new Map() };
    const pursue = (candidate: Candidate): void => {
      const followed = follow(candidate, text);
      hits.push(...followed.hits);
      open.push(...followed.open);
    };

    /** @param left the rest of the escape whose byte ended the window */
    const accept = (
      state: number,
      startOf: (length: number) => number,
      left: Uint8Array,
      at: number,
    ): void => {
      for (const pattern of outputs.get(state) ?? []) {
        const window = Math.min(pattern.bytes.length, WINDOW);
        if (left.every((of, index) => FOLDED[of] === pattern.bytes[window + index])) {
          pursue({ pattern, start: startOf(window), matched: window + left.length, at });
        }
      }
    };

    const acceptPlain = (state: number, at: number): void =>
      accept(state, (length) => at - length, NOTHING, at);

    /**
     * Returns the reading after `bytes`, which the source encodes between `from.at` and `at`; undefined if the plain reading finds
     * everything that it would find.
     */
    const advanced = (from: Reading, bytes: Uint8Array, at: number): Reading | undefined => {
      let state = from.node;
      const starts = [...from.starts];
      for (const [index, byte] of bytes.entries()) {
        state = next[state * classCount + (classes[byte] ?? 0)] ?? 0;
        starts.push(from.at);
        if (accepts[state] === 0) continue;
        const startOf = (length: number) => starts[starts.length - length] ?? 0;
        accept(state, startOf, bytes.subarray(index + 1), at);
      }
      const depth = depths[state] ?? 0;
      const kept = starts.slice(starts.length - depth);
      return kept[0] === undefined || kept[0] === at - depth
        ? undefined
        : { at, node: state, starts: kept };
    };

    /** Whether an escape neither continues nor begins any pattern. */
    const isIdle = ({ bytes }: Escape): boolean =>
      bytes.length === 1 &&
      depths[next[node * classCount + (classes[bytes[0] ?? 0] ?? 0)] ?? 0] === 0;

    /** Advances the readings past a byte, and starts those of an escape at that byte. Returns false if the chunk cuts the escape. */
    const branch = (index: number): boolean => {
      const at = base + index;
      const byte = source[index] ?? 0;
      const escapes = isTrigger(byte) ? readEscapes(source, index) : NONE;
      if (escapes === 'cut') return false;
      if (readings.length === 0 && escapes.every(isIdle)) return true;
      const here = readings.filter((reading) => reading.at === at);
      const depth = depths[node] ?? 0;
      const plain = { at, node, starts: Array.from({ length: depth }, (_, n) => at - depth + n) };
      const grown = [
        ...readings.filter((reading) => reading.at > at),
        ...here.map((reading) => advanced(reading, Uint8Array.of(byte), at + 1)),
        ...escapes.flatMap(({ bytes, length }) =>
          [plain, ...here].map((reading) => advanced(reading, bytes, at + length)),
        ),
      ];
      const distinct = new Map<string, Reading>();
      for (const each of grown) {
        if (each !== undefined) distinct.set(`${each.at} ${each.node} ${each.starts[0]}`, each);
      }
      readings = [...distinct.values()];
      return true;
    };

    for (const candidate of due) pursue(candidate);
    let index = 0;
    // Local copies and no closure in the loop make it twice as fast.
    let state = node;
    let isBranched = readings.length > 0;
    for (; index < source.length; index += 1) {
      const kind = classes[source[index] ?? 0] ?? 0;
      if (kind >= firstTrigger || isBranched) {
        node = state;
        if (!branch(index)) break;
        isBranched = readings.length > 0;
      }
      state = next[state * classCount + kind] ?? 0;
      if (accepts[state] !== 0) acceptPlain(state, base + index + 1);
    }
    node = state;
    rest = source.slice(index);
    position = base + index;
    return hits;
  };

  return {
    feed: (chunk) => scan(rest.length === 0 ? chunk : concatBytes(rest, chunk)),
    end: () => scan(concatBytes(rest, END)),
    settled: () =>
      Math.min(
        position - (depths[node] ?? 0),
        ...readings.map(({ starts }) => starts[0] ?? position),
        ...open.map(({ start }) => start),
      ),
  };
};
