import { FOLDED, type Guarded, type Pattern } from './automaton.ts';
import { readEscapes } from './escape.ts';

/** A pattern that was found: the range of its bytes in the whole stream, and the text of which it is a form. */
export type Hit = { readonly start: number; readonly end: number; readonly of: Guarded };

/** A pattern whose first bytes matched, and the position of the next byte. */
export type Candidate = {
  readonly pattern: Pattern;
  readonly start: number;
  readonly matched: number;
  readonly at: number;
};

/** The received bytes, from position `base` on. */
type Text = {
  readonly source: Uint8Array;
  readonly base: number;
  readonly isTrigger: (byte: number) => boolean;
  /** The positions where a pattern was already compared. */
  readonly seen: Map<Pattern, Map<number, Set<number>>>;
  /** Counts comparisons. */
  readonly spend: (steps: number) => void;
};

/** Compares the rest of a pattern with a text, in every reading of its escapes. `open`: the candidates at which the text ends. */
export const follow = (
  candidate: Candidate,
  { source, base, isTrigger, seen, spend }: Text,
): { readonly hits: readonly Hit[]; readonly open: readonly Candidate[] } => {
  const { pattern, start } = candidate;
  const { bytes, of } = pattern;
  const starts = seen.get(pattern) ?? new Map<number, Set<number>>();
  seen.set(pattern, starts);
  const places = starts.get(start) ?? new Set();
  starts.set(start, places);
  const hits: Hit[] = [];
  const open: Candidate[] = [];
  const todo = [candidate];
  for (let each = todo.pop(); each !== undefined; each = todo.pop()) {
    let { matched, at } = each;
    const from = matched;
    for (; matched < bytes.length; matched += 1, at += 1) {
      const byte = source[at - base];
      if (byte === undefined || isTrigger(byte)) {
        // A run of n backslashes has exponentially many readings (CWE-407): compare each position once.
        const place = (at - base) * (bytes.length + 1) + matched;
        if (places.has(place)) break;
        places.add(place);
        const escapes = byte === undefined ? 'cut' : readEscapes(source, at - base);
        if (escapes === 'cut') {
          open.push({ pattern, start, matched, at });
          break;
        }
        for (const { bytes: read, length } of escapes) {
          if (read.every((each, index) => FOLDED[each] === bytes[matched + index])) {
            todo.push({ pattern, start, matched: matched + read.length, at: at + length });
          }
        }
      }
      if (FOLDED[byte ?? 0] !== bytes[matched]) break;
    }
    spend(matched - from + 1);
    if (matched === bytes.length) hits.push({ start, end: at, of });
  }
  return { hits, open };
};
