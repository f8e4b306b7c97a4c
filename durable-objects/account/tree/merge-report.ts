import { everyOf, rolled } from '../../../src/policy/window.ts';
import type { Share, Shares } from '../../../src/protocol/account/lease.ts';
import { max, min } from '../../../src/protocol/amount.ts';
import { type Context, type Decision, enter } from '../decision.ts';
import { purseOf, withPurse } from '../purse.ts';
import type { AccountState } from '../state.ts';
import { type IssuedLease, leaseOf } from './issued-lease.ts';
import { CREDIT, NO_SHARE, outstandingOf } from './share.ts';

export type MergedReport = {
  readonly state: AccountState;
  readonly row: IssuedLease;
  readonly entries: Decision<unknown>['entries'];
  readonly changed: boolean;
};

/** Merges the child's totals of current periods; older periods no longer count. */
export const merge = (
  state: AccountState,
  row: IssuedLease,
  shares: Shares,
  context: Context,
): MergedReport => {
  const next: Record<string, Share> = { ...row.shares };
  let changed = false;
  for (const [name, report] of Object.entries(shares)) {
    const known = row.shares[name];
    if (known === undefined || known.start !== report.start) continue;
    // Attack: a child that reports more than it was granted. It may return only what it has.
    const spent = min(max(known.spent, report.spent), known.granted - known.returned);
    const returned = min(max(known.returned, report.returned), known.granted - spent);
    const held = min(max(0n, report.held), known.granted - returned - spent);
    changed ||= spent !== known.spent || returned !== known.returned || held !== known.held;
    next[name] = { ...known, spent, returned, held };
  }
  const merged = { ...row, shares: next };
  const drawn = (next[CREDIT]?.spent ?? 0n) - (row.shares[CREDIT]?.spent ?? 0n);
  const after = counted(state, row, merged, context);
  if (drawn === 0n) return { state: after, row: merged, entries: [], changed };
  return { ...lend(after, row, drawn, context), row: merged, changed };
};

/** Credit that a descendant has spent leaves this account's purse; the entry makes both logs add up (law 11). */
const lend = (
  state: AccountState,
  { child, asset, issued }: IssuedLease,
  drawn: bigint,
  context: Context,
) => {
  const purse = purseOf(state, asset);
  const lent = withPurse(state, asset, { ...purse, credit: purse.credit - drawn });
  const entered = enter(lent, context, {
    type: 'credit.lent',
    amounts: { amount: drawn.toString() },
    payment: { asset, to: child, grant: issued },
  });
  return { state: entered.state, entries: [entered.entry] };
};

/** Counts what the stored leases say: granted less returned, spent or not. */
export const counted = (
  state: AccountState,
  before: IssuedLease,
  after: IssuedLease,
  { now }: Context,
): AccountState => {
  const purse = purseOf(state, after.asset);
  const windows = { ...purse.windows };
  let { creditLent, creditHeldByDescendants } = purse;
  for (const [name, share] of Object.entries(after.shares)) {
    const past = before.shares[name];
    const known = past?.start === share.start ? past : NO_SHARE;
    const leased = outstandingOf(share) - outstandingOf(known);
    const drawn = share.spent - known.spent;
    const held = share.held - known.held;
    // A repeated report must not bring back a counter that the account dropped with its revoked grant.
    if (leased === 0n && drawn === 0n && held === 0n) continue;
    if (name === CREDIT) {
      creditLent += leased - drawn;
      creditHeldByDescendants += held;
      continue;
    }
    const counter = rolled(purse.windows[name], everyOf(name), now);
    if (counter.start !== share.start) continue;
    windows[name] = {
      ...counter,
      leased: counter.leased + leased,
      drawn: counter.drawn + drawn,
      heldByDescendants: counter.heldByDescendants + held,
    };
  }
  return withPurse(state, after.asset, { ...purse, windows, creditLent, creditHeldByDescendants });
};

/** A descendant's report of its shares. */
export type Report = Pick<IssuedLease, 'child' | 'issued' | 'shares'>;

/** The account as it would be after merging reports. For dry runs, which write nothing. Pure. */
export const withReports = (
  state: AccountState,
  reports: readonly Report[],
  context: Context,
): AccountState =>
  reports.reduce((known, { child, issued, shares }) => {
    const row = leaseOf(context.read, child, issued);
    return row === undefined ? known : merge(known, row, shares, context).state;
  }, state);
