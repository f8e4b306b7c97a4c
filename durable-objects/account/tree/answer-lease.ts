import type { LeaseRequest, LeaseVerdict } from '../../../src/protocol/account/lease.ts';
import { MOST_RECALLS } from '../call/reserve.ts';
import { unchanged } from '../decision.ts';
import type { Ledger } from '../ledger.ts';
import { lease, type Leased } from './grant-lease.ts';
import { withReports } from './merge-report.ts';
import type { Recalls } from './recalls.ts';

const FAILED: Leased = { verdict: { verdict: 'unavailable' }, reach: 'never' };

/**
 * Answers an account below that asks for a share. Siblings are disturbed only for a need that they can meet: one that all of them
 * together could not meet is refused at once; otherwise they report, which costs them no row and no share, and give back only where
 * that is enough.
 */
export const answerLease = async (
  ledger: Ledger,
  recalls: Recalls,
  request: LeaseRequest,
): Promise<LeaseVerdict> => {
  const decide = (): Promise<Leased> =>
    ledger.submit<Leased>((state, context) => lease(state, request, context), FAILED);
  let { verdict, reach } = await decide();
  if (verdict.verdict !== 'short' || reach === 'never') return verdict;
  if (request.dryRun === true) return rehearse(ledger, recalls, request);
  await recalls.look();
  ({ verdict, reach } = await decide());
  for (let rounds = 0; rounds < MOST_RECALLS; rounds += 1) {
    if (verdict.verdict !== 'short' || reach !== 'now') return verdict;
    const asked = await recalls.round();
    ({ verdict, reach } = await decide());
    if (asked === 0) return verdict;
  }
  return verdict;
};

/** As `answerLease`, of a dry run: what others would give back counts as given, and nothing is written. */
const rehearse = async (
  ledger: Ledger,
  recalls: Recalls,
  request: LeaseRequest,
): Promise<LeaseVerdict> => {
  // The asker has just told how it stands.
  const reports = (await recalls.reports()).filter(({ child }) => child !== request.child);
  const { verdict, reach } = await ledger.submit<Leased>((state, context) => {
    const known = withReports(state, reports, context);
    return unchanged(state, lease(known, request, context).verdict);
  }, FAILED);
  return verdict.verdict === 'short' && reach === 'now'
    ? { verdict: 'leased', authority: verdict.authority, shares: verdict.shares }
    : verdict;
};
