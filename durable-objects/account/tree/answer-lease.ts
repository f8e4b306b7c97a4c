import type { LeaseRequest, LeaseVerdict } from '../../../src/protocol/account/lease.ts';
import { MAX_RECALLS } from '../call/reserve.ts';
import { unchanged } from '../decision.ts';
import type { Ledger } from '../ledger.ts';
import { lease, type Leased } from './grant-lease.ts';
import { withReports } from './merge-report.ts';
import type { Recalls } from './recalls.ts';

const FAILED: Leased = { verdict: { verdict: 'unavailable' }, recovery: 'never' };

/**
 * Answers a descendant that asks for a share. A need that all siblings together could not meet is refused at once. Otherwise the
 * siblings report, which costs them no row and no share, and return money only if that meets the need.
 */
export const answerLease = async (
  ledger: Ledger,
  recalls: Recalls,
  request: LeaseRequest,
): Promise<LeaseVerdict> => {
  const decide = (): Promise<Leased> =>
    ledger.submit<Leased>((state, context) => lease(state, request, context), FAILED);
  let { verdict, recovery } = await decide();
  if (verdict.verdict !== 'short' || recovery === 'never') return verdict;
  if (request.dryRun === true) return rehearse(ledger, recalls, request);
  await recalls.look();
  ({ verdict, recovery } = await decide());
  for (let rounds = 0; rounds < MAX_RECALLS; rounds += 1) {
    if (verdict.verdict !== 'short' || recovery !== 'now') return verdict;
    const asked = await recalls.round();
    ({ verdict, recovery } = await decide());
    if (asked === 0) return verdict;
  }
  return verdict;
};

/** As `answerLease`, for a dry run: what others would return counts as granted, and nothing is written. */
const rehearse = async (
  ledger: Ledger,
  recalls: Recalls,
  request: LeaseRequest,
): Promise<LeaseVerdict> => {
  // The request itself reports for its account.
  const reports = (await recalls.reports()).filter(({ child }) => child !== request.child);
  const { verdict, recovery } = await ledger.submit<Leased>((state, context) => {
    const known = withReports(state, reports, context);
    return unchanged(state, lease(known, request, context).verdict);
  }, FAILED);
  return verdict.verdict === 'short' && recovery === 'now'
    ? { verdict: 'leased', authority: verdict.authority, shares: verdict.shares }
    : verdict;
};
