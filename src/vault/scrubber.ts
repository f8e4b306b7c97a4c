import { concatBytes } from '@noble/hashes/utils.js';
import { utf8 } from '../crypto/bytes.ts';
import { type Automaton, buildAutomaton, type Guarded } from './automaton.ts';
import type { Hit } from './candidate.ts';
import { formsOf } from './forms.ts';
import { openScanner } from './scanner.ts';
import { MARK } from './secret.ts';

/** Removes texts from answers, in every form of `formsOf`, escaped in any way that `readEscapes` reads. */
export type Scrubber = {
  /** Opens the scrubber of one body. */
  readonly body: () => BodyScrubber;
  readonly text: (text: string) => string;
  /** Returns the scrubber for the answer to one request. It leaves every text that the request contains. */
  readonly answerTo: (request: readonly Uint8Array[]) => Scrubber;
};

/** Scrubs a body chunk by chunk. Holds back only bytes that may begin a form, so an event stream flows. */
export type BodyScrubber = {
  readonly push: (chunk: Uint8Array) => Uint8Array;
  /** The bytes held back, at the end of the body. */
  readonly end: () => Uint8Array;
};

/** @param onHit called with the name of each secret that is found */
export const openScrubber = (
  guarded: readonly Guarded[],
  onHit: (name: string) => void,
): Scrubber => {
  const automaton = buildAutomaton(
    guarded.flatMap((of) => formsOf(of.text).map((form) => ({ bytes: utf8(form), of }))),
  );
  const leaving = (left: ReadonlySet<Guarded>): Scrubber => {
    const body = () => openBody(automaton, left, onHit);
    return {
      body,
      text: (text) => {
        const { push, end } = body();
        const decoder = new TextDecoder('utf-8', { fatal: false, ignoreBOM: true });
        return decoder.decode(push(utf8(text)), { stream: true }) + decoder.decode(end());
      },
      answerTo: (request) =>
        leaving(
          new Set(
            request.flatMap((part) => {
              const { feed, end } = openScanner(automaton);
              return [...feed(part), ...end()].map(({ of }) => of);
            }),
          ),
        ),
    };
  };
  return leaving(new Set());
};

const openBody = (
  automaton: Automaton,
  left: ReadonlySet<Guarded>,
  onHit: (name: string) => void,
): BodyScrubber => {
  const scanner = openScanner(automaton);
  let held: Uint8Array = new Uint8Array(0);
  /** The position of the first byte of `held`. */
  let start = 0;
  /** Everything before this position belongs to a secret. */
  let covered = 0;
  let hits: Hit[] = [];

  /** Returns what lies before a position, with the hits replaced. Overlapping hits are one. */
  const release = (until: number): Uint8Array => {
    const parts: Uint8Array[] = [];
    let at = start;
    const copy = (to: number) => {
      const from = Math.max(at, covered);
      if (from < to) parts.push(held.subarray(from - start, to - start));
      at = Math.max(at, to);
    };
    const due = hits.filter((hit) => hit.start < until).sort((a, b) => a.start - b.start);
    for (const hit of due) {
      copy(hit.start);
      onHit(hit.of.name);
      if (hit.start >= covered) parts.push(utf8(`${MARK}${hit.of.name}]`));
      covered = Math.max(covered, hit.end);
    }
    copy(until);
    hits = hits.filter((hit) => hit.start >= until);
    held = held.subarray(until - start);
    start = until;
    return concatBytes(...parts);
  };

  return {
    push: (chunk) => {
      held = held.length === 0 ? chunk : concatBytes(held, chunk);
      hits.push(...scanner.feed(chunk).filter(({ of }) => !left.has(of)));
      return release(scanner.settled());
    },
    end: () => {
      hits.push(...scanner.end().filter(({ of }) => !left.has(of)));
      return release(start + held.length);
    },
  };
};
