import type { ItemOf, Management } from '../../client/management.ts';
import { sumOf } from '../format/amount.ts';
import type { Seconds } from '../../core/clock.ts';
import { firstRows, type Rows } from './list.ts';

export const PAYMENT_STATES = ['open', 'settled', 'failed', 'released', 'kept'] as const;
export type PaymentState = (typeof PAYMENT_STATES)[number];
export type Payment = ItemOf<'settlements.list'>;

/** Which payments a list shows. `ages`: of open ones, from the first to before the second, in seconds. */
export type PaymentFilter = {
  readonly state: PaymentState;
  readonly ages?: readonly [from: Seconds, to: Seconds];
};

/** Ages of open payments. Settlement takes seconds; after 15 minutes a person should look (docs/operations.md §3). */
export const AGES = [
  { name: 'under 1 minute', ages: [0, 60] },
  { name: '1 to 15 minutes', ages: [60, 900] },
  { name: 'over 15 minutes', ages: [900, Number.MAX_SAFE_INTEGER] },
] as const satisfies readonly {
  readonly name: string;
  readonly ages: NonNullable<PaymentFilter['ages']>;
}[];

/** Payments that one pipeline counts, at most. */
export const MOST_OPEN = 2_000;

/** Reads payments, and those of one age from the same list that the pipeline counts. */
export const readPayments = async (
  management: Management,
  { state, ages }: PaymentFilter,
  rows: number,
  signal: AbortSignal,
): Promise<Rows<Payment>> => {
  if (ages === undefined) {
    return await firstRows(management, 'settlements.list', { query: { state } }, rows, signal);
  }
  const { items, isMore, asOf } = await readOpen(management, 'open', signal);
  const own = items.filter((payment) => isWithin(payment, ages));
  return { items: own.slice(0, rows), isMore: isMore || own.length > rows, asOf };
};

export const readOpen = async (
  management: Management,
  state: 'open' | 'kept',
  signal: AbortSignal,
): Promise<Rows<Payment>> =>
  await firstRows(
    management,
    'settlements.list',
    { query: { state, limit: 500 } },
    MOST_OPEN,
    signal,
  );

export const isWithin = (
  { age = 0 }: Pick<Payment, 'age'>,
  [from, to]: NonNullable<PaymentFilter['ages']>,
): boolean => age >= from && age < to;

/** How many payments, and how much of each asset. Amounts of two assets are never added. */
export type PaymentSum = {
  readonly count: number;
  readonly amounts: readonly { readonly asset: string; readonly amount: bigint }[];
};

export const sumPayments = (payments: readonly Pick<Payment, 'asset' | 'amount'>[]): PaymentSum => {
  const assets = [...new Set(payments.map(({ asset = '' }) => asset))].toSorted();
  return {
    count: payments.length,
    amounts: assets.map((asset) => ({
      asset,
      amount: sumOf(
        payments.filter((each) => (each.asset ?? '') === asset).map(({ amount }) => amount),
      ),
    })),
  };
};
