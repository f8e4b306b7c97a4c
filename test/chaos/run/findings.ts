import type { AccountId } from '../../../src/protocol/account-id.ts';
import type { Book } from '../support/account-records.ts';
import type { ChainRecord } from './chain-record.ts';
import type { Verdict } from './check-run.ts';

/** What a run has found out: the last line of `npm run chaos -- --json`. Money in atomic units. */
export type Figures = {
  /** Accepted. */
  readonly payments: number;
  readonly settled: number;
  readonly failed: number;
  readonly released: number;
  readonly unresolved: number;
  /** Purchases that more than one payment was taken for, and payments taken twice. */
  readonly doublePaid: number;
  readonly ledgerMinusChain: number;
  /** What ran without its money, beyond what a payer is trusted with (law 7). */
  readonly unpaidBeyondExposure: number;
  /** Of facilitators and relayer. */
  readonly transactions: number;
  /** All gas of these, by settled payments. */
  readonly gasPerPayment: number;
  readonly seconds: number;
};

export type Findings = {
  readonly figures: Figures;
  /** What must not be, each with its evidence. Empty: the run is green. */
  readonly wrongs: readonly string[];
  /** Seconds from accepted to settled. */
  readonly ages: { readonly p50: number; readonly p99: number };
  readonly facilitatorCallsPerThousand: number;
  readonly transactionsPerThousand: number;
  readonly owed: bigint;
};

/** The value below which a share of the numbers is. */
const quantile = (numbers: readonly number[], share: number): number => {
  const sorted = numbers.toSorted((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
};

/** What is found of what was written, what the chain says, and how the two were judged. */
export const sumUp = (
  books: ReadonlyMap<AccountId, Book>,
  { wrongs, ledgerMinusChain, unpaidBeyondExposure, ...counts }: Verdict,
  { transactions, gas }: ChainRecord,
  facilitatorCalls: number,
  seconds: number,
): Findings => {
  const all = [...books.values()];
  const calls = all
    .flatMap((book) => book.calls)
    .filter(({ paidBy }) => paidBy === 'deferred' || paidBy === 'upfront');
  const ended = (as: string): number => calls.filter(({ payment }) => payment === as).length;
  const settled = ended('settled');
  const ages = all.flatMap(agesOf);
  const perThousand = (many: number): number =>
    Math.round((many * 1000) / Math.max(1, calls.length));
  return {
    wrongs,
    figures: {
      payments: calls.length,
      settled,
      failed: ended('failed'),
      released: ended('released'),
      unresolved: counts.unresolved,
      doublePaid: counts.doublePaid,
      ledgerMinusChain: Number(ledgerMinusChain),
      unpaidBeyondExposure: Number(unpaidBeyondExposure),
      transactions,
      gasPerPayment: Math.round(Number(gas) / Math.max(1, settled)),
      seconds,
    },
    ages: { p50: quantile(ages, 0.5), p99: quantile(ages, 0.99) },
    facilitatorCallsPerThousand: perThousand(facilitatorCalls),
    transactionsPerThousand: perThousand(transactions),
    owed: all.reduce((sum, { purse }) => (purse.credit < 0n ? sum - purse.credit : sum), 0n),
  };
};

/** Seconds from accepted to settled of each payment of a call that succeeded. */
const agesOf = ({ calls, entries }: Book): readonly number[] => {
  const served = new Set(
    calls.filter(({ state }) => state === 'committed').map(({ call }) => call),
  );
  const accepted = new Map(
    entries.filter(({ type }) => type === 'call.accepted').map(({ call, at }) => [call, at]),
  );
  return entries.flatMap(({ type, call, at }) => {
    const from = accepted.get(call);
    const counts = type === 'payment.settled' && call !== undefined && served.has(call);
    return counts && from !== undefined ? [at - from] : [];
  });
};
