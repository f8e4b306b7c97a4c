import type { ItemOf, Management } from '../../../client/management.ts';
import type { Seconds } from '../../../core/clock.ts';
import { firstRows, type Rows } from '../reading/list.ts';
import { type Sums, sumsOf } from './sums.ts';

export type Payment = ItemOf<'settlements.list'>;

/** A stage before the end of a payment. `ages` of open payments in seconds: from the first, and below the second. */
type StageRule = {
  readonly name: string;
  readonly state: 'open' | 'kept';
  readonly ages?: readonly [from: Seconds, to: Seconds];
};

/** Settlement takes seconds; after 15 minutes a person should look (docs/operations.md §3). The ages add up to all open payments. */
export const STAGES = {
  open: { name: 'open', state: 'open' },
  new: { name: 'open under 1 minute', state: 'open', ages: [0, 60] },
  slow: { name: 'open 1 to 15 minutes', state: 'open', ages: [60, 900] },
  late: { name: 'open over 15 minutes', state: 'open', ages: [900, Number.MAX_SAFE_INTEGER] },
  kept: { name: 'awaiting your decision', state: 'kept' },
} as const satisfies Readonly<Record<string, StageRule>>;

export type Stage = keyof typeof STAGES;

/** Stages that divide the open payments by age, with the urgency of each. */
export const AGES = [
  ['new', undefined],
  ['slow', 'warn'],
  ['late', 'bad'],
] as const satisfies readonly (readonly [Stage, 'warn' | 'bad' | undefined])[];

/** Whether a text, e.g. of the address, names a stage. */
export const isStage = (text: string | undefined): text is Stage =>
  text !== undefined && Object.hasOwn(STAGES, text);

/** Late payments were accepted before this moment. */
export const lateBefore = (now: Seconds): Seconds => now - STAGES.late.ages[0] + 1;

/** Payments that a stage counts, at most. */
export const MOST_WAITING = 2_000;

/** Payments that have not ended, by state. */
export type WaitingPayments = Readonly<Record<'open' | 'kept', Rows<Payment>>>;

/** Reads payments that have not ended: the rows that each stage counts. */
export const readWaiting = async (
  management: Management,
  signal: AbortSignal,
): Promise<WaitingPayments> => {
  const read = (state: 'open' | 'kept'): Promise<Rows<Payment>> =>
    firstRows(
      management,
      'settlements.list',
      { query: { state, limit: 500 } },
      MOST_WAITING,
      signal,
    );
  const [open, kept] = await Promise.all([read('open'), read('kept')]);
  return { open, kept };
};

/** The payments of a stage. */
export const paymentsIn = (waiting: WaitingPayments, stage: Stage): readonly Payment[] => {
  const { state, ages }: StageRule = STAGES[stage];
  const { items } = waiting[state];
  if (ages === undefined) return items;
  const [from, to] = ages;
  return items.filter(({ age = 0 }) => age >= from && age < to);
};

/** The urgency of the oldest open payment; undefined for none and for new ones. */
export const urgencyOf = (waiting: WaitingPayments): 'warn' | 'bad' | undefined =>
  AGES.findLast(([stage]) => paymentsIn(waiting, stage).length > 0)?.[1];

/** The sum of payments, by asset. */
export const sumOfPayments = (payments: readonly Pick<Payment, 'asset' | 'amount'>[]): Sums =>
  sumsOf(payments, ({ amount }) => amount);
