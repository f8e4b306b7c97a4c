import { type Context, type Decision, enter } from '../decision.ts';
import type { AccountState } from '../state.ts';
import type { IssuedLease } from './issued-lease.ts';

/**
 * Logs the totals of the shares that a new row of a lease no longer has, because their periods are over: an auditor can check what a
 * descendant spent against what it was lent (law 11). Race: the next report of the descendant no longer changes them, so the entry is
 * written with the row that drops them, and once.
 */
export const closedLease = (
  state: AccountState,
  before: IssuedLease,
  after: IssuedLease,
  context: Context,
): Pick<Decision<unknown>, 'state' | 'entries'> => {
  const counters = Object.entries(before.shares).flatMap(
    ([name, { start, granted, returned, spent }]) =>
      granted === 0n || after.shares[name]?.start === start
        ? []
        : {
            ...{ name, start, granted: granted.toString() },
            ...{ returned: returned.toString(), spent: spent.toString() },
          },
  );
  if (counters.length === 0) return { state, entries: [] };
  const { asset, child, issued } = before;
  const entered = enter(state, context, {
    type: 'lease.closed',
    payment: { asset, to: child, grant: issued },
    outcome: { counters },
  });
  return { state: entered.state, entries: [entered.entry] };
};
