import type { ItemOf, Management } from '../../../client/management.ts';
import { type Period, secondsOf } from '../../format/period.ts';
import { allOf, firstRows, type Rows } from '../reading/list.ts';
import type { Payment } from './waiting-payments.ts';
import { type Sums, sumsOf } from './sums.ts';

type BooksItem = ItemOf<'books'>;

/** The lines of the ledger totals that count ended payments. */
export const ENDED_LINES = ['settled', 'debt', 'write_off', 'released'] as const;
export type EndedLine = (typeof ENDED_LINES)[number];

/** Whether a text, e.g. of the address, names such a line. */
export const isEndedLine = (text: string | undefined): text is EndedLine =>
  ENDED_LINES.some((line) => line === text);

/** The number of payments of a line, and the amount of each asset. */
export type LineTotal = { readonly count: number; readonly sums: Sums };
export type EndedTotals = Readonly<Record<EndedLine, LineTotal>>;

/** Reads the totals of payments that ended in a period, from the books. */
export const readEndedTotals = async (
  management: Management,
  { from, to }: Period,
  signal?: AbortSignal,
): Promise<EndedTotals> => {
  const request = { query: { from, to }, ...(signal === undefined ? {} : { signal }) };
  const books = await allOf<BooksItem>(management.list('books', request));
  const totalOf = (line: EndedLine): LineTotal => {
    const items = books.filter((item) => item.line === line);
    return {
      count: items.reduce((sum, { count = 0 }) => sum + count, 0),
      sums: sumsOf(items, ({ amount }) => amount),
    };
  };
  return Object.fromEntries(ENDED_LINES.map((line) => [line, totalOf(line)])) as EndedTotals;
};

/** Rows that a line reads, at most. */
export const MOST_ENDED = 500;

/** Reads the payments that a line counts, newest first. */
export const readEndedPayments = async (
  management: Management,
  { line, ...period }: Period & { readonly line: EndedLine },
  signal?: AbortSignal,
): Promise<Rows<Payment>> => {
  const [endedFrom, endedTo] = secondsOf(period);
  const read = (state: 'settled' | 'failed' | 'released'): Promise<Rows<Payment>> => {
    const query = { endedFrom, endedTo, state, limit: MOST_ENDED };
    return firstRows(management, 'settlements.list', { query }, MOST_ENDED, signal);
  };
  if (line === 'settled') return read('settled');
  const lists = await Promise.all([read('failed'), read('released')]);
  const items = lists.flatMap((list) => list.items).filter((payment) => lineOf(payment) === line);
  return {
    items: items.toSorted((a, b) => b.at - a.at),
    isMore: lists.some(({ isMore }) => isMore),
    asOf: lists[0].asOf,
  };
};

/** The line of a payment that did not settle. A failed payment whose call never ran is separate, because no party owes anything. */
const lineOf = ({ fault }: Payment): EndedLine => {
  if (fault === 'gateway') return 'write_off';
  return fault === 'payer' ? 'debt' : 'released';
};
