import type { AccountId } from '../../src/protocol/account-id.ts';
import type { Address, Hex } from '../../src/core/hex.ts';
import type { Seconds } from '../../src/core/clock.ts';
import type { Fees } from '../../src/settlement/relayer/fees.ts';

/** One signed version of a transaction. Attempts of one nonce differ in their fees only, and any of them may be mined. */
export type Attempt = Fees & {
  readonly hash: Hex;
  readonly at: Seconds;
  /** The newest block when it was signed. */
  readonly block: number;
};

/** A transaction that is not final. It was stored before it was broadcast. */
export type FlightRecord = {
  readonly nonce: number;
  /** Keys of its payments; none in a transaction that only fills a gap between nonces. */
  readonly keys: readonly string[];
  /** The newest last. */
  readonly attempts: readonly [Attempt, ...Attempt[]];
  /** The newest attempt, as it is broadcast. */
  readonly raw: Hex;
};

/** The result of a final transaction, until every subscriber has it. */
export type ReportRecord = {
  readonly hash: Hex;
  readonly block: number;
  /** Time of the block. */
  readonly at: Seconds;
  /** Payments that it carried. */
  readonly payments: number;
  readonly gasUsed: number;
  /** Wei. */
  readonly fee: bigint;
  readonly settled: readonly {
    readonly key: string;
    readonly account: AccountId;
    readonly call: Hex;
  }[];
};

/** Totals since the relayer's first transaction. */
export type Counters = {
  /** The address whose nonces are counted: the key may be exchanged. */
  readonly address: Address | '';
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
  address: '',
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

export const newest = ({ attempts }: Pick<FlightRecord, 'attempts'>): Attempt =>
  attempts.at(-1) ?? attempts[0];
