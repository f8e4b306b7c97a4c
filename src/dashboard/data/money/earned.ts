import type { ItemOf, Management, RequestOf } from '../../../client/management.ts';
import { type Period, secondsOf } from '../../format/period.ts';
import { allOf, firstRows, type Rows } from '../reading/list.ts';
import { addSums, type Sums, sumsOf } from './sums.ts';

type SpendQuery = NonNullable<RequestOf<'spend'>['query']>;
export type EarnedDay = ItemOf<'spend'>;
export type EarnedPayment = ItemOf<'settlements.list'>;
export type EarnedCall = ItemOf<'calls.list'>;
export type EarnedChange = ItemOf<'changes.list'>;

/** Filters a list of earnings. */
type Narrow = Pick<SpendQuery, 'asset' | 'tool'>;
export type EarnedFilter = Period & Narrow;

/** The rows behind the earnings, by kind. */
export type EarnedRows = {
  readonly payments: Rows<EarnedPayment>;
  /** Calls paid from credit, of their account or of an ancestor. */
  readonly calls: Rows<EarnedCall>;
  /** Refunds, and decisions about calls that credit paid. */
  readonly changes: Rows<EarnedChange>;
};

export type Earnings = {
  /** The total of the ledger, by day, from one query. */
  readonly days: readonly EarnedDay[];
  /** Every asset of the earnings of these days, whatever the filters. */
  readonly assets: readonly string[];
  /** Absent if more than `MOST_CALLS` calls ended in these days. */
  readonly rows?: EarnedRows;
};

/** The most calls in which a page searches for those paid from credit: the gateway reads 5,000 for one request. */
export const MOST_CALLS = 100_000;
/** Rows of each kind. */
export const MOST_ROWS = 500;

/** Reads the earnings, and the rows behind them. */
export const readEarned = async (
  management: Management,
  { from, to, ...narrow }: EarnedFilter,
  signal?: AbortSignal,
): Promise<Earnings> => {
  const read = async (by: Narrow): Promise<readonly EarnedDay[]> => {
    const query = { ...by, by: 'day', from, to, limit: MOST_ROWS } as const;
    const days = await allOf(management.list('spend', { query, ...abortable(signal) }));
    // Denials have no asset and earn nothing.
    return days.filter(({ earned }) => earned !== undefined);
  };
  const all = await read({});
  const days = Object.keys(narrow).length === 0 ? all : await read(narrow);
  const assets = [...new Set(all.map(({ asset = '' }) => asset))];
  const ended = all.reduce((sum, { calls }) => sum + calls, 0);
  if (ended > MOST_CALLS) return { days, assets };
  return { days, assets, rows: await readRows(management, { from, to, ...narrow }, signal) };
};

const readRows = async (
  management: Management,
  { from, to, ...narrow }: EarnedFilter,
  signal: AbortSignal | undefined,
): Promise<EarnedRows> => {
  const [start, end] = secondsOf({ from, to });
  const query = { ...narrow, endedFrom: start, endedTo: end, limit: MOST_ROWS };
  const paidBy = (payer: 'credit' | 'lent'): Promise<Rows<EarnedCall>> =>
    firstRows(management, 'calls.list', { query: { ...query, paidBy: payer } }, MOST_ROWS, signal);
  const settled = { query: { ...query, state: 'settled' } } as const;
  const decided = { query: { ...narrow, from: start, to: end, limit: MOST_ROWS } };
  const [payments, own, lent, changes] = await Promise.all([
    firstRows(management, 'settlements.list', settled, MOST_ROWS, signal),
    paidBy('credit'),
    paidBy('lent'),
    firstRows(management, 'changes.list', decided, MOST_ROWS, signal),
  ]);
  const calls = [...own.items, ...lent.items].toSorted(
    (a, b) => (b.ended_at ?? 0) - (a.ended_at ?? 0),
  );
  return {
    payments,
    calls: { ...own, items: calls, isMore: own.isMore || lent.isMore },
    changes: { ...changes, items: changes.items.filter(changesEarned) },
  };
};

/** Whether a change affects the earnings. Other decisions change the charge of the payer, but the payment has already moved. */
const changesEarned = ({ kind, paid_by: paidBy = '' }: EarnedChange): boolean =>
  kind === 'refunded' || paidBy === 'credit' || paidBy === 'lent';

const abortable = (signal: AbortSignal | undefined): { readonly signal?: AbortSignal } =>
  signal === undefined ? {} : { signal };

/** The earnings of a payment: the part that became credit is earned when calls spend it. */
export const earnedBy = ({ amount, credited = '0' }: EarnedPayment): bigint =>
  BigInt(amount) - BigInt(credited);

/** The sum of the rows of each kind. */
export const sumsByKind = ({
  payments,
  calls,
  changes,
}: EarnedRows): Readonly<Record<keyof EarnedRows, Sums>> => ({
  payments: sumsOf(payments.items, earnedBy),
  calls: sumsOf(calls.items, ({ spent = '0' }) => spent),
  changes: sumsOf(changes.items, ({ amount }) => amount),
});

/** The sum of all rows. */
export const sumOfEarned = (rows: EarnedRows): Sums => addSums(...Object.values(sumsByKind(rows)));

/** The total of the ledger. */
export const sumOfDays = (days: readonly EarnedDay[]): Sums =>
  sumsOf(days, ({ earned = '0' }) => earned);

/** Whether every row is here. */
export const isWhole = (rows: EarnedRows): boolean =>
  Object.values(rows).every(({ isMore }) => !isMore);
