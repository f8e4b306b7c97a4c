import type { Seconds } from '../../src/core/clock.ts';
import type { Noun } from '../store/noun.ts';
import type { ReportRecord } from './report-record.ts';

/** Totals since the relayer's first transaction. */
export type Counters = {
  /** One more than the highest final nonce: a node that reports less lags behind. */
  readonly nextNonce: number;
  readonly transactions: number;
  readonly payments: number;
  readonly replaced: number;
  readonly gasUsed: bigint;
  /** Wei. */
  readonly fees: bigint;
  /** A moving average. */
  readonly gasPerPayment: number;
  /** When the alert about low gas was last raised. */
  readonly warnedAt: Seconds;
};

/** Gas per payment of a small batch, used until there is a receipt. */
const USUAL_GAS = 60_000;

export const noCounters: Counters = {
  nextNonce: 0,
  transactions: 0,
  payments: 0,
  replaced: 0,
  gasUsed: 0n,
  fees: 0n,
  gasPerPayment: USUAL_GAS,
  warnedAt: 0,
};

/** The counters after one more final transaction. */
export const counted = (
  counters: Counters,
  nonce: number,
  attempts: number,
  { payments, gasUsed, fee, settled }: ReportRecord,
): Counters => ({
  ...counters,
  nextNonce: Math.max(counters.nextNonce, nonce + 1),
  transactions: counters.transactions + 1,
  payments: counters.payments + settled.length,
  replaced: counters.replaced + attempts - 1,
  gasUsed: counters.gasUsed + BigInt(gasUsed),
  fees: counters.fees + fee,
  gasPerPayment:
    payments === 0
      ? counters.gasPerPayment
      : Math.round((counters.gasPerPayment * 3 + gasUsed / Math.max(1, settled.length)) / 4),
});

type Stored = Omit<Counters, 'gasUsed' | 'fees'> & {
  readonly gasUsed: string;
  readonly fees: string;
};

/** One value per object. */
export const COUNTERS: Noun<Counters> = {
  name: 'counters',
  key: () => 'counters',
  encode: ({ gasUsed, fees, ...counters }) =>
    JSON.stringify({
      ...counters,
      gasUsed: gasUsed.toString(),
      fees: fees.toString(),
    } satisfies Stored),
  decode: (text) => {
    const { gasUsed, fees, ...counters } = JSON.parse(text) as Stored;
    return { ...counters, gasUsed: BigInt(gasUsed), fees: BigInt(fees) };
  },
};
