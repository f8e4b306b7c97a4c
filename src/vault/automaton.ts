import { TRIGGERS } from './escape.ts';

/** One byte sequence to find, in lower case, and the text of which it is a form. */
export type Pattern = { readonly bytes: Uint8Array; readonly of: Guarded };

/** A text that must not reach the caller, and the name of its secret. */
export type Guarded = { readonly name: string; readonly text: string };

/**
 * An Aho-Corasick automaton over the first bytes of all patterns. The scanner compares the rest of a pattern only where its first bytes
 * match, so the tables stay small for patterns of thousands of bytes.
 */
export type Automaton = {
  readonly patterns: readonly Pattern[];
  /** The class of each byte: bytes that no window holds are one class, and the two cases of an ASCII letter are one. */
  readonly classes: Uint8Array;
  readonly classCount: number;
  /** The classes from this one on are those of `TRIGGERS`. */
  readonly firstTrigger: number;
  /** The next state, by state and class. */
  readonly next: Uint16Array;
  /** Length of the longest window prefix that ends in a state. */
  readonly depths: Uint8Array;
  /** 1 for a state in which a window ends. */
  readonly accepts: Uint8Array;
  /** The patterns whose window ends in a state. */
  readonly outputs: ReadonlyMap<number, readonly Pattern[]>;
};

/** How many bytes of a pattern the automaton knows. */
export const WINDOW = 16;

const CASE = 0x20;

/** ASCII letters in lower case, every other byte as it is. */
export const FOLDED: Uint8Array = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte >= 0x41 && byte <= 0x5a ? byte + CASE : byte,
);

/** @param all must not contain an empty pattern */
export const buildAutomaton = (all: readonly Pattern[]): Automaton => {
  const { classes, classCount, firstTrigger } = classesOf(all);
  const size = 1 + all.reduce((sum, { bytes }) => sum + Math.min(bytes.length, WINDOW), 0);
  const next = new Uint16Array(size * classCount);
  const depths = new Uint8Array(size);
  const ends = new Map<number, Pattern[]>();
  let count = 1;
  for (const pattern of all) {
    let state = 0;
    for (const byte of pattern.bytes.subarray(0, WINDOW)) {
      const at = state * classCount + (classes[byte] ?? 0);
      if (next[at] === 0) {
        depths[count] = (depths[state] ?? 0) + 1;
        next[at] = count;
        count += 1;
      }
      state = next[at] ?? 0;
    }
    ends.set(state, [...(ends.get(state) ?? []), pattern]);
  }
  completeTransitions(next, classCount, count, ends);
  const accepts = new Uint8Array(size);
  for (const state of ends.keys()) accepts[state] = 1;
  return { patterns: all, classes, classCount, firstTrigger, next, depths, accepts, outputs: ends };
};

const classesOf = (patterns: readonly Pattern[]) => {
  const classes = new Uint8Array(256);
  let classCount = 1;
  const classify = (byte: number): void => {
    if (classes[byte] !== 0) return;
    classes[byte] = classCount;
    classCount += 1;
  };
  for (const { bytes } of patterns) {
    for (const byte of bytes.subarray(0, WINDOW)) if (!TRIGGERS.includes(byte)) classify(byte);
  }
  const firstTrigger = classCount;
  TRIGGERS.forEach(classify);
  for (let byte = 0x41; byte <= 0x5a; byte += 1) classes[byte] = classes[byte + CASE] ?? 0;
  return { classes, classCount, firstTrigger };
};

/** Fills in the transitions of failure, breadth first, and adds the windows that end in a suffix of a state. */
const completeTransitions = (
  next: Uint16Array,
  classCount: number,
  count: number,
  ends: Map<number, Pattern[]>,
): void => {
  const failures = new Uint16Array(count);
  const queue: number[] = [0];
  for (const state of queue) {
    const failure = failures[state] ?? 0;
    const inherited = state === failure ? undefined : ends.get(failure);
    if (inherited !== undefined) ends.set(state, [...(ends.get(state) ?? []), ...inherited]);
    for (let byte = 0; byte < classCount; byte += 1) {
      const at = state * classCount + byte;
      const child = next[at] ?? 0;
      const fallback = state === 0 ? 0 : (next[failure * classCount + byte] ?? 0);
      if (child === 0) next[at] = fallback;
      else {
        failures[child] = fallback;
        queue.push(child);
      }
    }
  }
};
