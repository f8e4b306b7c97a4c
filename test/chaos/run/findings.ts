import type { AccountId } from '../../../src/protocol/account-id.ts';
import type { AccountRecord } from '../support/account-records.ts';
import type { ChainRecord } from './chain-record.ts';
import type { CheckResult } from './check-run.ts';

/** Results of a run: the last line of `npm run chaos -- --json`. Money in atomic units. */
export type Figures = {
  /** Accepted payments. */
  readonly payments: number;
  readonly settled: number;
  readonly failed: number;
  readonly released: number;
  readonly unresolved: number;
  /** Purchases with more than one payment on the chain, and nonces with more than one transfer. */
  readonly doublePaid: number;
  readonly ledgerMinusChain: number;
  /** Value of calls that ran unpaid above the exposure that law 7 allows. */
  readonly unpaidBeyondExposure: number;
  /** Transactions of facilitators and relayer. */
  readonly transactions: number;
  /** Gas of all these transactions, divided by the settled payments. */
  readonly gasPerPayment: number;
  readonly seconds: number;
};

export type Findings = {
  readonly figures: Figures;
  /** Broken invariants, each with its evidence. */
  readonly violations: readonly string[];
  /** Seconds from acceptance to settlement. */
  readonly ages: { readonly p50: number; readonly p99: number };
  readonly facilitatorCallsPerThousand: number;
  readonly transactionsPerThousand: number;
  /** Total of all debts. */
  readonly owed: bigint;
};

/** Returns the value below which a share of the numbers lies. */
const quantile = (numbers: readonly number[], share: number): number => {
  const sorted = numbers.toSorted((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
};

/** Computes the figures of a run from account records, chain and broken invariants. */
export const summarize = (
  records: ReadonlyMap<AccountId, AccountRecord>,
  { violations, ledgerMinusChain, unpaidBeyondExposure, ...counts }: CheckResult,
  { transactions, gas }: ChainRecord,
  facilitatorCalls: number,
  seconds: number,
): Findings => {
  const all = [...records.values()];
  const calls = all
    .flatMap((record) => record.calls)
    .filter(({ paidBy }) => paidBy === 'deferred' || paidBy === 'upfront');
  const ended = (as: string): number => calls.filter(({ payment }) => payment === as).length;
  const settled = ended('settled');
  const ages = all.flatMap(agesOf);
  const perThousand = (many: number): number =>
    Math.round((many * 1000) / Math.max(1, calls.length));
  return {
    violations,
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

/** Seconds from acceptance to settlement of each payment whose call succeeded. */
const agesOf = ({ calls, entries }: AccountRecord): readonly number[] => {
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
