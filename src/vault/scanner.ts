import { type Automaton, FOLDED, type Pattern, WINDOW } from './automaton.ts';

/** A pattern that was found: the range of its bytes in the whole stream, and its name. */
export type Hit = { readonly start: number; readonly end: number; readonly name: string };

/** Finds patterns in a stream of chunks, whatever the cuts. Positions count from the start of the stream. */
export type Scanner = {
  /** Reads a chunk. Returns the patterns that end in it. */
  readonly feed: (chunk: Uint8Array) => readonly Hit[];
  /** No pattern that is not found yet starts before this position. */
  readonly settled: () => number;
  /** A scanner that goes on from here. */
  readonly fork: () => Scanner;
};

/** A pattern whose window matched, and whose next bytes have not arrived. */
type Candidate = { readonly pattern: Pattern; readonly start: number };

type State = {
  readonly node: number;
  readonly position: number;
  readonly open: readonly Candidate[];
};

const BEGIN: State = { node: 0, position: 0, open: [] };

export const openScanner = (automaton: Automaton, from: State = BEGIN): Scanner => {
  const { classes, classCount, next, accepts, outputs, depths } = automaton;
  let { node, position, open } = from;

  /** Compares the bytes of a pattern from `at` on, as far as the chunk goes. */
  const follow = (
    { pattern, start }: Candidate,
    chunk: Uint8Array,
    at: number,
  ): Hit | 'open' | undefined => {
    const { bytes, name } = pattern;
    let matched = position + at - start;
    for (let index = at; matched < bytes.length; index += 1, matched += 1) {
      if (index >= chunk.length) return 'open';
      if (FOLDED[chunk[index] ?? 0] !== bytes[matched]) return undefined;
    }
    return { start, end: start + bytes.length, name };
  };

  const feed = (chunk: Uint8Array): readonly Hit[] => {
    const hits: Hit[] = [];
    const still: Candidate[] = [];
    const pursue = (candidate: Candidate, at: number): void => {
      const followed = follow(candidate, chunk, at);
      if (followed === 'open') still.push(candidate);
      else if (followed !== undefined) hits.push(followed);
    };
    for (const candidate of open) pursue(candidate, 0);
    for (let at = 0; at < chunk.length; at += 1) {
      node = next[node * classCount + (classes[chunk[at] ?? 0] ?? 0)] ?? 0;
      if (accepts[node] === 0) continue;
      for (const pattern of outputs.get(node) ?? []) {
        const window = Math.min(pattern.bytes.length, WINDOW);
        pursue({ pattern, start: position + at + 1 - window }, at + 1);
      }
    }
    position += chunk.length;
    open = still;
    return hits;
  };

  return {
    feed,
    settled: () =>
      open.reduce((least, { start }) => Math.min(least, start), position - (depths[node] ?? 0)),
    fork: () => openScanner(automaton, { node, position, open }),
  };
};
