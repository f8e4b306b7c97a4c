import type { Seconds } from '../../core/clock.ts';
import { everyOf, periodOf } from '../../policy/window.ts';
import type { AccountId } from '../../protocol/account-id.ts';
import type { Borrowed, Loan } from './borrower-calls.ts';
import { SLACK } from './branches.ts';
import type { HashedEntry } from './check.ts';
import { amountOf, objectOf, textOf } from './replay/members.ts';
import type { Tally } from './tally.ts';

/* Compares what a lender's chain states about its shares and its credit with the chains of the borrowers (docs/audit-format.md, check `totals`). */

export const CHILD_MISSING =
  'the chain of an account below is not in the files: export the whole fleet';
const LATE = 'credit was lent after the chain of its borrower was exported';

/** How far the clocks of two accounts differ. */
export const CLOCKS: Seconds = 5;

/** The accounts of the files. `read`: accounts whose chains are complete, with the time of the last entry. */
type Files = {
  readonly borrowedOf: (lender: AccountId, loan: Loan) => Borrowed;
  readonly read: ReadonlyMap<AccountId, Seconds>;
  readonly tally: Tally;
};

/** The calls of the borrower in an entry of the lender. */
const callsOf = (
  { entry: { account, payment = {} } }: HashedEntry,
  { borrowedOf }: Files,
): Borrowed =>
  borrowedOf(account, {
    borrower: payment['to'],
    grant: payment['grant'],
    asset: payment['asset'],
  });

/** A borrower reports how much it spent of a share: its own chain must show at least as much. */
export const judgeLease = (seen: HashedEntry, files: Files): void => {
  const { read, tally } = files;
  // The check `signatures` checks the form (`checkClosedLease`).
  const { payment = {}, outcome } = seen.entry;
  const calls = callsOf(seen, files);
  const counters = outcome?.['counters'];
  for (const counter of Array.isArray(counters) ? counters : []) {
    const { name: stated, start: from, spent: used } = objectOf(counter) ?? {};
    const name = textOf(stated) ?? '';
    const start = typeof from === 'number' ? from : 0;
    const spent = amountOf(used) ?? 0n;
    // Spent credit of the lender has its own entry, `credit.lent`.
    if (name === 'credit') continue;
    const { end } = periodOf(everyOf(name), start);
    const sum = calls.between(start - SLACK, end + SLACK);
    if (!read.has(payment['to'] as AccountId)) tally.skip(CHILD_MISSING);
    else if (spent > sum) tally.breakAt(seen, 'wrong_lease', 'outcome.counters');
    else tally.prove();
  }
};

/** Credit that a lender states as spent, by borrower, grant and asset: the borrower's calls that this credit paid must cost as much. */
export const judgeLent = (lent: readonly HashedEntry[], files: Files): void => {
  const { read, tally } = files;
  const sums = new Map<string, { sure: bigint; all: bigint; last: HashedEntry }>();
  for (const seen of lent) {
    const { account, at, amounts, payment = {} } = seen.entry;
    const key = JSON.stringify([account, payment['to'], payment['grant'], payment['asset']]);
    const amount = amountOf(amounts?.['amount']) ?? 0n;
    const { sure = 0n, all = 0n } = sums.get(key) ?? {};
    // A call that ended after the borrower's chain was exported is not in the files.
    const isSure = at + CLOCKS <= (read.get(payment['to'] as AccountId) ?? 0);
    sums.set(key, { sure: isSure ? sure + amount : sure, all: all + amount, last: seen });
  }
  for (const { sure, all, last } of sums.values()) {
    const { lent: charged } = callsOf(last, files);
    if (!read.has(last.entry.payment?.['to'] as AccountId)) tally.skip(CHILD_MISSING);
    else if (sure > charged) tally.breakAt(last, 'wrong_credit', 'amounts.amount');
    else if (all > charged) tally.bound(LATE);
    else tally.prove();
  }
};
