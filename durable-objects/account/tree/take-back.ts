import type { Shares } from '../../../src/protocol/account/lease.ts';
import { put } from '../../store/noun.ts';
import { type Context, type Decision, unstored } from '../decision.ts';
import type { AccountState } from '../state.ts';
import { closedLease } from './closed-lease.ts';
import { ISSUED_LEASE, type IssuedLease } from './issued-lease.ts';
import { merge } from './merge-report.ts';
import { withoutEnded } from './share.ts';

/** Merges what a descendant returned and spent, after a recall or when the descendant is idle. Pure. */
export const takeBack = (
  state: AccountState,
  row: IssuedLease,
  shares: Shares,
  context: Context,
): Decision<{ readonly verdict: 'ok' }> => {
  const merged = merge(state, row, shares, context);
  const verdict = { verdict: 'ok' } as const;
  if (!merged.changed) return unstored(state, verdict);
  const kept = { ...merged.row, shares: withoutEnded(merged.row.shares, context.now) };
  const closed = closedLease(merged.state, merged.row, kept, context);
  return {
    state: closed.state,
    writes: [put(ISSUED_LEASE, kept)],
    entries: [...merged.entries, ...closed.entries],
    verdict,
  };
};
