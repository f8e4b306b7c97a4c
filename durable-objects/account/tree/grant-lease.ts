import type { Seconds } from '../../../src/core/clock.ts';
import { counterState, type SpendCounter } from '../../../src/policy/rule.ts';
import type {
  LeaseRequest,
  LeaseVerdict,
  Share,
  Shares,
} from '../../../src/protocol/account/lease.ts';
import { max, MAX_STORED, min } from '../../../src/protocol/amount.ts';
import { put } from '../../store/noun.ts';
import { MAX_RECALLS } from '../call/progress.ts';
import { type Context, type Decision, unstored } from '../decision.ts';
import type { Ledger } from '../ledger.ts';
import { freeCredit, purseOf } from '../purse.ts';
import type { AccountState } from '../state.ts';
import { authorityOver } from './authority-over.ts';
import type { NamedCounter } from './counters.ts';
import {
  ISSUED_LEASE,
  type IssuedLease,
  LEASE_SECONDS,
  leaseOf,
  UNTIL_GRACE,
} from './issued-lease.ts';
import { closedLease } from './closed-lease.ts';
import { counted, merge, type MergedReport, withReports } from './merge-report.ts';
import type { Recalls } from './recalls.ts';
import { creditRecovery, isWorse, limitRecovery, type Recovery } from './recovery.ts';
import { CREDIT, NO_SHARE, shareEnd, unusedOf } from './share.ts';

/** The answer to a lease request. `recovery`: whether descendants could return what is missing for an unmet need. */
type Leased = { readonly verdict: LeaseVerdict; readonly recovery: Recovery };

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
  await recalls.takeReports();
  ({ verdict, recovery } = await decide());
  for (let rounds = 0; rounds < MAX_RECALLS; rounds += 1) {
    if (verdict.verdict !== 'short' || recovery !== 'now') return verdict;
    const recalled = await recalls.round();
    ({ verdict, recovery } = await decide());
    if (recalled === 0) return verdict;
  }
  return verdict;
};

/** As `answerLease`, for a dry run: what others would return counts as granted, and nothing is written. */
const rehearse = async (
  ledger: Ledger,
  recalls: Recalls,
  request: LeaseRequest,
): Promise<LeaseVerdict> => {
  // The request itself contains the report of its account.
  const reports = (await recalls.reports()).filter(({ child }) => child !== request.child);
  const { verdict, recovery } = await ledger.submit<Leased>((state, context) => {
    const known = withReports(state, reports, context);
    return unstored(state, lease(known, request, context).verdict);
  }, FAILED);
  return verdict.verdict === 'short' && recovery === 'now'
    ? { verdict: 'leased', authority: verdict.authority, shares: verdict.shares }
    : verdict;
};

/**
 * Lends a descendant a share of every limit, as long as its grant lives (law 6). The account counts what was granted less what was
 * returned, whatever the descendant did with it, so no lost, late or repeated message makes the sum exceed a limit. Pure.
 */
export const lease = (
  state: AccountState,
  request: LeaseRequest,
  context: Context,
): Decision<Leased> => {
  const decided = decide(state, request, context);
  return request.dryRun === true ? unstored(state, decided.verdict) : decided;
};

const decide = (state: AccountState, request: LeaseRequest, context: Context): Decision<Leased> => {
  const { authority, asset, counters } = authorityOver(state, request, context);
  const { child, issued } = request;
  const known = leaseOf(context.read, child, issued) ?? noLease({ child, issued, asset });
  // The descendant's reported spend and returns count even if the request is refused.
  const merged = merge(state, { ...known, asset }, request.shares, context);
  if (authority.status !== 'active')
    return withoutGrant(merged, { verdict: 'refused', authority }, 'never');
  const named = counters(merged.state);
  const limits = named.map((counter) => ({ counter, remaining: remainingOf(counter.counter) }));
  const names = named.map(({ name }) => name);
  const kept = currentShares(merged.row.shares, named, context.now);
  const current = pick(kept, [...names, CREDIT]);

  // The need must fit into every limit, so the limit with the greatest shortfall decides, and the refusal names it.
  let lacking: Lacking | undefined;
  const lack = (lacks: Lacking): void => {
    if (isWorse(lacks.recovery, lacking?.recovery)) lacking = lacks;
  };
  for (const { counter, remaining } of limits) {
    const share = current[counter.name] ?? NO_SHARE;
    const lacks = request.need - unusedOf(share);
    // If a limit was lowered below the lent amount, no share of it may be used any more, not even one granted before (law 6).
    if (request.need === 0n || (remaining >= 0n && lacks <= min(remaining, grantable(share))))
      continue;
    const recovery =
      lacks > grantable(share) ? 'never' : limitRecovery(counter.counter, request.need);
    const seen = refusedLimit(counter.counter, recovery);
    const limit = { ...counterState(seen.counter), account: state.account };
    lack({ rule: counter.counter.rule, limit, recovery, returnable: seen.returnable });
  }
  const purse = purseOf(merged.state, asset);
  const credit = current[CREDIT] ?? NO_SHARE;
  const owed = max(0n, (request.credit ?? 0n) - unusedOf(credit));
  const creditRemaining = freeCredit(purse);
  if (request.credit !== undefined && owed > min(creditRemaining, grantable(credit))) {
    const limit = {
      rule: 'credit',
      account: state.account,
      limit: purse.credit.toString(),
      spent: '0',
      held: (purse.creditHeld + purse.creditHeldByDescendants).toString(),
      remaining: max(
        0n,
        purse.credit - purse.creditHeld - purse.creditHeldByDescendants,
      ).toString(),
    };
    const recovery = owed > grantable(credit) ? 'never' : creditRecovery(purse, request.credit);
    lack({ rule: 'credit', limit, recovery, returnable: 0n });
  }
  if (lacking !== undefined) {
    const { recovery, ...short } = lacking;
    return withoutGrant(
      merged,
      { verdict: 'short', authority, shares: current, ...short },
      recovery,
    );
  }

  // Grant the last units one need at a time, so that no unit stays with a descendant that does not use it.
  const parts = BigInt(2 * context.leaseParts(issued));
  const equalPart = (remaining: bigint): bigint => max(0n, remaining) / parts;
  const goal = limits.reduce(
    (least, { counter, remaining }) =>
      min(least, unusedOf(current[counter.name] ?? NO_SHARE) + equalPart(remaining)),
    request.want,
  );
  const shares: Record<string, Share> = { ...current };
  for (const name of names) {
    const share = current[name] ?? NO_SHARE;
    const more = max(0n, max(request.need, goal) - unusedOf(share));
    shares[name] = granting(share, more);
  }
  if (request.credit !== undefined) {
    const wanted = min((request.creditWant ?? 0n) - unusedOf(credit), equalPart(creditRemaining));
    shares[CREDIT] = granting(credit, max(owed, wanted));
  }
  const verdict: LeaseVerdict = { verdict: 'leased', authority, shares };
  const good = context.now + LEASE_SECONDS;
  const isSame = Object.entries(shares).every(([name, share]) => isOf(share, known.shares[name]));
  // A repeated request costs no rows if nothing is granted.
  if (isSame && known.until >= good) return withoutGrant(merged, verdict, 'now');
  const until = Math.max(known.until, good + UNTIL_GRACE);
  const row: IssuedLease = { ...merged.row, until, shares: { ...kept, ...shares } };
  const closed = closedLease(merged.state, merged.row, row, context);
  return {
    state: counted(closed.state, merged.row, row, context),
    writes: [put(ISSUED_LEASE, row)],
    entries: [...merged.entries, ...closed.entries],
    verdict: { verdict, recovery: 'now' },
  };
};

const noLease = ({
  child,
  issued,
  asset,
}: Pick<IssuedLease, 'child' | 'issued' | 'asset'>): IssuedLease => ({
  child,
  issued,
  asset,
  until: 0,
  shares: {},
});

/**
 * The shares of the current periods. The counter decides which period that is: a share of another period would not count, and spending
 * would be unlimited. Shares of other counters stay while they are valid, in case their limits return.
 */
const currentShares = (
  shares: Shares,
  limits: readonly NamedCounter[],
  now: Seconds,
): Record<string, Share> => {
  const good = Object.entries(shares).filter(([name, share]) => now < shareEnd(name, share));
  const current: Record<string, Share> = Object.fromEntries(good);
  for (const { name, start } of limits) {
    if (current[name]?.start !== start) current[name] = { ...NO_SHARE, start };
  }
  return current;
};

/** Totals only grow, and storage holds only safe integers: a larger total would fail its whole group, again and again. */
const grantable = ({ granted }: Share): bigint => MAX_STORED - granted;

const granting = (share: Share, more: bigint): Share => ({
  ...share,
  granted: share.granted + min(more, grantable(share)),
});

/**
 * The limit as a refused descendant sees it. Unused shares of its siblings count as remaining, because a smaller need would get them. If
 * they would meet this need too, no sibling returned them: they do not count, so that a refusal never says that enough remains.
 */
const refusedLimit = (
  counter: SpendCounter,
  recovery: Recovery,
): { readonly counter: SpendCounter; readonly returnable: bigint } => {
  const unused = counter.lent?.unused ?? 0n;
  return recovery === 'now'
    ? { counter, returnable: unused }
    : { counter: { ...counter, held: counter.held - unused }, returnable: 0n };
};

/** Below zero if the limit was lowered. */
const remainingOf = ({ limit, spent, held }: SpendCounter): bigint => limit - spent - held;

type Short = Extract<LeaseVerdict, { readonly verdict: 'short' }>;

/** A limit with too little remaining for a need. */
type Lacking = Pick<Short, 'rule' | 'limit' | 'returnable'> & Pick<Leased, 'recovery'>;

/** Grants nothing, and keeps what the descendant has reported. */
const withoutGrant = (
  { state, row, entries, changed }: MergedReport,
  verdict: LeaseVerdict,
  recovery: Recovery,
): Decision<Leased> => ({
  state,
  writes: changed ? [put(ISSUED_LEASE, row)] : [],
  entries,
  verdict: { verdict, recovery },
});

/** Whether a share is unchanged, its period included: totals begin anew with each period. */
const isOf = ({ start, granted }: Share, known: Share | undefined): boolean =>
  start === known?.start && granted === known.granted;

const pick = (shares: Shares, names: readonly string[]): Record<string, Share> =>
  Object.fromEntries(
    names.flatMap((name) => {
      const share = shares[name];
      return share === undefined ? [] : [[name, share]];
    }),
  );
