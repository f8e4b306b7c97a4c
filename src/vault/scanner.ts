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
  /** Reads the rest that `feed` left, at the end of the stream. */
  readonly end: () => readonly Hit[];
  /** Every pattern that was not found yet starts at or after this position. */
  readonly settled: () => number;
  /** How many comparisons the scan has made beyond one a byte. */
  readonly steps: () => number;
};

/**
 * A reading of the stream in which an escape may belong to a pattern. Every escape is read both decoded and literally: with only one of the
 * two, text before a secret could swallow its first bytes (`%4` before a secret that begins with 1). Of two readings in the same state at
 * the same byte, only the earlier one continues, because both find the same ends. This bounds their number.
 */
type Reading = {
  /** The position of the next byte. */
  at: number;
  node: number;
  /** The position of each byte on the path to `node`. */
  readonly starts: number[];
};

/**
 * How many steps a scan may take. Attack (CWE-407): a body of escapes makes each byte cost many comparisons, and the scan blocks every other
 * request of the isolate. No secret begins with a text that it repeats often, so an honest scan stays far below.
 */
const STEPS_PER_BYTE = 16;
const FIRST_STEPS = 262_144;

/** Ends the stream: a byte that occurs in neither UTF-8 nor escapes, so it completes whatever precedes it. */
const END = Uint8Array.of(0xff);
/** Each byte as a text. Making one for every byte of a reading would double the time of a scan. */
const BYTES = Array.from({ length: 256 }, (_, byte) => Uint8Array.of(byte));
const NOTHING = new Uint8Array(0);
const NONE: readonly Escape[] = [];

export const openScanner = (automaton: Automaton): Scanner => {
  const { classes, classCount, firstTrigger, next, accepts, outputs, depths } = automaton;
  const isTrigger = (byte: number): boolean => (classes[byte] ?? 0) >= firstTrigger;
  /** The state of the plain reading, which takes every byte literally. */
  let node = 0;
  let readings: Reading[] = [];
  let open: Candidate[] = [];
  let rest: Uint8Array = NOTHING;
  /** The position of the first byte of `rest`. */
  let position = 0;
  let steps = 0;
  let allowed = FIRST_STEPS;
  const spend = (count: number): void => {
    steps += count;
    if (steps > allowed) throw new Error('a text takes too many steps to scan');
  };

  const scan = (source: Uint8Array): readonly Hit[] => {
    const base = position;
    const hits: Hit[] = [];
    const due = open;
    open = [];

    const text = { source, base, isTrigger, spend, seen: new Map() };
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
     * Moves a reading over bytes, which the source encodes up to `to`, and keeps it unless the plain reading finds everything that it would
     * find.
     */
    const advance = (reading: Reading, bytes: Uint8Array, to: number): void => {
      const { at, starts } = reading;
      let state = reading.node;
      for (let index = 0; index < bytes.length; index += 1) {
        state = next[state * classCount + (classes[bytes[index] ?? 0] ?? 0)] ?? 0;
        starts.push(at);
        if (accepts[state] === 0) continue;
        const startOf = (length: number) => starts[starts.length - length] ?? 0;
        accept(state, startOf, bytes.subarray(index + 1), to);
      }
      const depth = depths[state] ?? 0;
      if (starts.length > depth) starts.splice(0, starts.length - depth);
      reading.at = to;
      reading.node = state;
      spend(bytes.length);
      if (depth > 0 && starts[0] !== to - depth) keep(reading);
    };

    const keep = (reading: Reading): void => {
      spend(readings.length);
      const same = readings.findIndex(
        ({ at, node: of }) => at === reading.at && of === reading.node,
      );
      if (same < 0) readings.push(reading);
      else if ((reading.starts[0] ?? 0) < (readings[same]?.starts[0] ?? 0))
        readings[same] = reading;
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
      const before = readings;
      readings = [];
      for (const reading of before) {
        if (reading.at > at) keep(reading);
        else {
          for (const { bytes, length } of escapes)
            advance({ ...reading, starts: [...reading.starts] }, bytes, at + length);
          advance(reading, BYTES[byte] ?? NOTHING, at + 1);
        }
      }
      for (const escape of escapes) {
        if (isIdle(escape)) continue;
        const starts: number[] = [];
        for (let start = at - (depths[node] ?? 0); start < at; start += 1) starts.push(start);
        advance({ at, node, starts }, escape.bytes, at + escape.length);
      }
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
    feed: (chunk) => {
      allowed += chunk.length * STEPS_PER_BYTE;
      return scan(rest.length === 0 ? chunk : concatBytes(rest, chunk));
    },
    steps: () => steps,
    end: () => scan(concatBytes(rest, END)),
    settled: () =>
      Math.min(
        position - (depths[node] ?? 0),
        ...readings.map(({ starts }) => starts[0] ?? position),
        ...open.map(({ start }) => start),
      ),
  };
};
