import { utf8 } from '../crypto/bytes.ts';
import { buildAutomaton, type Automaton } from './automaton.ts';
import { formsOf } from './forms.ts';
import { type JsonView, openJsonView } from './json-view.ts';
import { type Hit, openScanner, type Scanner } from './scanner.ts';
import { MARK } from './secret.ts';

/** A text that must not pass, and the name of its secret. */
export type Guarded = { readonly name: string; readonly text: string };

/** Removes texts from answers, in every form of `formsOf`. */
export type Scrubber = {
  /** Opens the scrubber of one body. */
  readonly body: () => BodyScrubber;
  readonly text: (text: string) => string;
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
    guarded.flatMap(({ name, text }) => formsOf(text).map((form) => ({ name, text: form }))),
  );
  const body = () => openBody(automaton, onHit);
  return {
    body,
    text: (text) => {
      const { push, end } = body();
      const decoder = new TextDecoder('utf-8', { fatal: false, ignoreBOM: true });
      return decoder.decode(push(utf8(text)), { stream: true }) + decoder.decode(end());
    },
  };
};

const BACKSLASH = 0x5c;

const openBody = (automaton: Automaton, onHit: (name: string) => void): BodyScrubber => {
  const raw = openScanner(automaton);
  /** Opened with the first backslash: until then both read the same bytes. */
  let escaped: { readonly view: JsonView; readonly scanner: Scanner } | undefined;
  let held: Uint8Array = new Uint8Array(0);
  /** The position of the first byte of `held`. */
  let start = 0;
  let received = 0;
  /** Everything before this position belongs to a secret. */
  let covered = 0;
  let hits: Hit[] = [];

  const scan = (chunk: Uint8Array): number => {
    if (escaped === undefined && chunk.includes(BACKSLASH)) {
      escaped = { view: openJsonView(received), scanner: raw.fork() };
    }
    hits.push(...raw.feed(chunk));
    received += chunk.length;
    if (escaped === undefined) return raw.settled();
    const { view, scanner } = escaped;
    for (const hit of scanner.feed(view.feed(chunk))) {
      hits.push({ ...hit, start: view.sourceOf(hit.start), end: view.sourceOf(hit.end) });
    }
    const settled = scanner.settled();
    const source = view.sourceOf(settled);
    view.forget(settled);
    return Math.min(raw.settled(), source);
  };

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
      onHit(hit.name);
      if (hit.start >= covered) parts.push(utf8(`${MARK}${hit.name}]`));
      covered = Math.max(covered, hit.end);
    }
    copy(until);
    hits = hits.filter((hit) => hit.start >= until);
    held = held.subarray(until - start);
    start = until;
    return joined(parts);
  };

  return {
    push: (chunk) => {
      held = held.length === 0 ? chunk : joined([held, chunk]);
      return release(scan(chunk));
    },
    end: () => release(received),
  };
};

const joined = (parts: readonly Uint8Array[]): Uint8Array => {
  const [only] = parts;
  if (parts.length === 1 && only !== undefined) return only;
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
};
