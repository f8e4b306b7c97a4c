import { concatBytes } from '@noble/hashes/utils.js';
import { utf8 } from '../crypto/bytes.ts';
import { type Automaton, buildAutomaton, type Guarded } from './automaton.ts';
import type { Hit } from './candidate.ts';
import { LONGEST_ESCAPE } from './escape.ts';
import { formsOf, lowerAscii } from './forms.ts';
import { openScanner } from './scanner.ts';
import { MARK } from './secret.ts';

/** Removes texts from answers, in every form of `formsOf`, escaped in any way that `readEscapes` reads. */
export type Scrubber = {
  /** Opens the scrubber of one body. */
  readonly body: () => BodyScrubber;
  /** Opens the scrubber of an event stream, which passes each line as soon as it is complete. */
  readonly events: () => BodyScrubber;
  /** Scrubs a header or a text of JSON. A header may be read as one character for each byte. */
  readonly text: (text: string) => string;
  /** Returns the scrubber for the answer to one request. It leaves every text that the request contains. */
  readonly answerTo: (request: readonly Uint8Array[]) => Scrubber;
};

/**
 * Scrubs a body chunk by chunk.
 *
 * Attack: an upstream echoes guesses and pauses. If only bytes that may begin a form were held back, a missing guess would be a right one,
 * and the caller could find the secret byte by byte. So the bytes held back depend on their number, or on the ends of lines.
 *
 * @throws Error from both if the body takes too many steps to scan
 */
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
    guarded.flatMap((of) => bytesOf(of.text).map((bytes) => ({ bytes, of }))),
  );
  const leaving = (left: ReadonlySet<Guarded>): Scrubber => {
    const body = () => openBody(automaton, left, onHit, () => 0);
    return {
      body,
      events: () => openBody(automaton, left, onHit, lineEnd),
      text: (text) => {
        const { push, end } = body();
        const bytes = latin1(text);
        const scrubbed = concatBytes(push(bytes ?? utf8(text)), end());
        return bytes === undefined
          ? new TextDecoder('utf-8', { fatal: false, ignoreBOM: true }).decode(scrubbed)
          : scrubbed.reduce((shown, byte) => shown + String.fromCharCode(byte), '');
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

/** The bytes of every form, and the text in ISO-8859-1, in which headers and old servers write it. */
const bytesOf = (text: string): readonly Uint8Array[] => {
  const forms = formsOf(text).map(utf8);
  const bytes = /[^\0-\x7f]/.test(text) ? latin1(lowerAscii(text)) : undefined;
  return bytes === undefined ? forms : [...forms, bytes];
};

/** One byte for each character; undefined if a character has no such byte. */
const latin1 = (text: string): Uint8Array | undefined =>
  /[^\0-\xff]/.test(text)
    ? undefined
    : Uint8Array.from({ length: text.length }, (_, index) => text.charCodeAt(index));

/** How many bytes of a chunk its complete lines have. */
const lineEnd = (chunk: Uint8Array): number =>
  Math.max(chunk.lastIndexOf(0x0a), chunk.lastIndexOf(0x0d)) + 1;

const openBody = (
  automaton: Automaton,
  left: ReadonlySet<Guarded>,
  onHit: (name: string) => void,
  passing: (chunk: Uint8Array) => number,
): BodyScrubber => {
  const scanner = openScanner(automaton);
  /** No match is longer, even if every byte is escaped. */
  const longest =
    LONGEST_ESCAPE *
    (1 + automaton.patterns.reduce((most, { bytes }) => Math.max(most, bytes.length), 0));
  let held: Uint8Array = new Uint8Array(0);
  /** Chunks that follow `held`, joined only for a release: many small ones would be copied each time. */
  let waiting: Uint8Array[] = [];
  let received = 0;
  let due = 0;
  /** The position of the first byte of `held`. */
  let start = 0;
  /** Everything before this position belongs to a secret. */
  let covered = 0;
  let hits: Hit[] = [];

  /** Returns the bytes before a position, with the hits replaced. Overlapping hits count as one. */
  const release = (until: number): Uint8Array => {
    held = concatBytes(held, ...waiting);
    waiting = [];
    const parts: Uint8Array[] = [];
    let at = start;
    const copy = (to: number) => {
      const from = Math.max(at, covered);
      if (from < to) parts.push(held.subarray(from - start, to - start));
      at = Math.max(at, to);
    };
    const found = hits.filter((hit) => hit.start < until).sort((a, b) => a.start - b.start);
    for (const hit of found) {
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
      hits.push(...scanner.feed(chunk).filter(({ of }) => !left.has(of)));
      waiting.push(chunk);
      const passed = passing(chunk);
      if (passed > 0) due = received + passed;
      received += chunk.length;
      if (received - start > 2 * longest) due = Math.max(due, received - longest);
      const until = Math.min(due, scanner.settled());
      return until > start ? release(until) : NOTHING;
    },
    end: () => {
      hits.push(...scanner.end().filter(({ of }) => !left.has(of)));
      return release(received);
    },
  };
};
const NOTHING = new Uint8Array(0);
