import type { Seconds } from '../../src/core/clock.ts';
import { type Limits, lineStart } from './journal.ts';
import type { Key } from './noun.ts';

/**
 * Ended values, packed by the time at which they may be forgotten. A page is written once and deleted whole. If an ended value changes, its
 * newer copy goes into a later page: the copy in the page with the highest id counts.
 */
export type Page = PageHead & {
  /** Lines as in the journal. */
  readonly text: string;
};

/** The part of a page that stays in memory. */
export type PageHead = {
  readonly id: number;
  /** Fingerprints of the keys; the first number is the seed of all of them. */
  readonly prints: Uint32Array;
} & Retention;

/** When a value, or the last one of a page, may be forgotten. */
export type Retention = {
  readonly until: Seconds;
  /** The first and the last entry in the page; 0 if there are none. The page stays until its last entry is exported. */
  readonly firstSeq: number;
  readonly lastSeq: number;
};

/** The facts of the present moment on which forgetting depends. */
export type Horizon = {
  readonly now: Seconds;
  /** Every entry up to this seq is in D1. */
  readonly exported: number;
};

export const isOver = (
  { until, lastSeq }: Pick<Retention, 'until' | 'lastSeq'>,
  { now, exported }: Horizon,
): boolean => until <= now && lastSeq <= exported;

/** A value that goes into a page, with the lines of its companions. */
export type Ended = Retention & {
  readonly lines: readonly string[];
  readonly prints: readonly number[];
};

/** Values of one page end within this time of each other, or within the time that the first of them still has. */
const PAGE_SPAN: Seconds = 3_600;

/** Packs ended values into pages. */
export const pack = (
  ended: readonly Ended[],
  firstId: number,
  seed: number,
  now: Seconds,
  { page: mostCharacters }: Limits,
): readonly Page[] => {
  const pages: Page[] = [];
  const close = (values: readonly Ended[]): void => {
    if (values.length === 0) return;
    const withEntries = values.filter(({ lastSeq }) => lastSeq > 0);
    pages.push({
      id: firstId + pages.length,
      until: Math.max(...values.map(({ until }) => until)),
      firstSeq:
        withEntries.length === 0 ? 0 : Math.min(...withEntries.map((each) => each.firstSeq)),
      lastSeq: Math.max(...values.map(({ lastSeq }) => lastSeq)),
      prints: Uint32Array.from([seed, ...values.flatMap(({ prints }) => prints)]),
      text: values.flatMap(({ lines }) => lines).join('\n'),
    });
  };
  let open: Ended[] = [];
  let characters = 0;
  for (const value of ended.toSorted((one, other) => one.until - other.until)) {
    const length = value.lines.reduce((sum, line) => sum + line.length + 1, 0);
    const first = open[0] ?? value;
    const latest = first.until + Math.max(PAGE_SPAN, first.until - now);
    if (characters + length > mostCharacters || value.until > latest) {
      close(open);
      open = [];
      characters = 0;
    }
    open.push(value);
    characters += length;
  }
  close(open);
  return pages;
};

/** Finds the line of a value in the text of a page. */
export const findLine = (text: string, noun: string, key: Key): string | undefined => {
  const start = `${lineStart(noun, key)}\t`;
  const at = text.startsWith(start) ? 0 : text.indexOf(`\n${start}`) + 1;
  if (at === 0 && !text.startsWith(start)) return undefined;
  const end = text.indexOf('\n', at);
  return text.slice(at, end < 0 ? undefined : end);
};
