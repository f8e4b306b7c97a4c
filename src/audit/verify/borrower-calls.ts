import type { Seconds } from '../../core/clock.ts';
import type { AccountId } from '../../protocol/account-id.ts';
import type { Branch, BranchCall } from './branches.ts';
import { firstFrom } from './times.ts';

/** The calls of one borrower under one grant in one asset. */
export type Borrowed = {
  /** The cost of the calls from one time to another, the second exclusive. */
  readonly between: (from: Seconds, to: Seconds) => bigint;
  /** The cost of the calls that credit of the lender paid. */
  readonly lent: bigint;
};

/** The names in the `payment` of a lender's entry. */
export type Loan = { readonly borrower: unknown; readonly grant: unknown; readonly asset: unknown };

const keyOf = ({ borrower, grant, asset }: Loan): string =>
  JSON.stringify([borrower, grant, asset]);

const borrowedOf = (unordered: readonly BranchCall[]): Borrowed => {
  const calls = unordered.toSorted((one, other) => one.at - other.at);
  const times = calls.map(({ at }) => at);
  // Sums over the calls before each place, so that every period costs only two searches.
  const sums = [0n];
  for (const { amount } of calls) sums.push((sums.at(-1) ?? 0n) + amount);
  const before = (time: Seconds): bigint => sums[firstFrom(times, time)] ?? 0n;
  return {
    between: (from, to) => (from < to ? before(to) - before(from) : 0n),
    lent: calls.reduce((sum, { isLent, amount }) => (isLent ? sum + amount : sum), 0n),
  };
};

const NONE = borrowedOf([]);

/** What descendants spent of each loan of an account. Sorts the calls of an account once, whatever the number of its entries. */
export const createBorrowed = (
  branchOf: (account: AccountId) => Branch,
): ((lender: AccountId, loan: Loan) => Borrowed) => {
  const lenders = new Map<AccountId, ReadonlyMap<string, Borrowed>>();
  return (lender, loan) => {
    const known =
      lenders.get(lender) ??
      new Map(
        [...Map.groupBy(branchOf(lender).below, keyOf)].map(([key, calls]) => [
          key,
          borrowedOf(calls),
        ]),
      );
    lenders.set(lender, known);
    return known.get(keyOf(loan)) ?? NONE;
  };
};
