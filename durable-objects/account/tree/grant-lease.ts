import type { Seconds } from '../../../src/core/clock.ts';
import { counterState } from '../../../src/policy/limit.ts';
import type { SpendCounter } from '../../../src/policy/rule.ts';
import type {
  LeaseRequest,
  LeaseVerdict,
  Share,
  Shares,
} from '../../../src/protocol/account/lease.ts';
import { max, MAX_STORED, min } from '../../../src/protocol/amount.ts';
import { put } from '../../store/noun.ts';
import { type Context, type Decision, unchanged } from '../decision.ts';
import { freeCredit, purseOf } from '../purse.ts';
import type { AccountState } from '../state.ts';
import {
  ISSUED_LEASE,
  type IssuedLease,
  LEASE_SECONDS,
  leaseOf,
  UNTIL_GRACE,
} from './issued-lease.ts';
import { authorityOver } from './issued.ts';
import type { NamedCounter } from './limit-counters.ts';
import { counted, merge, type Told } from './merge-report.ts';
import { isWorse, type Reach, reachOfCredit, reachOfLimit } from './reach.ts';
import { CREDIT, NO_SHARE, shareEnd, unusedOf } from './share.ts';

/** The answer to a lease request. `reach`: of a need that was not met, whether accounts below could give back what is missing. */
export type Leased = { readonly verdict: LeaseVerdict; readonly reach: Reach };

/**
 * Gives an account below a share of every limit here, and the word that its grant lives (law 6). Counted here is what was granted less
 * what came back, whatever the child did with it; so no message that is lost, late or repeated can make the sum pass a limit. Pure.
 */
export const lease = (
  state: AccountState,
  request: LeaseRequest,
  context: Context,
): Decision<Leased> => {
  const decided = decide(state, request, context);
  return request.dryRun === true ? unchanged(state, decided.verdict) : decided;
};

const decide = (state: AccountState, request: LeaseRequest, context: Context): Decision<Leased> => {
  const { authority, asset, counters } = authorityOver(state, request, context);
  const { child, issued } = request;
  const known = leaseOf(context.read, child, issued) ?? noLease({ child, issued, asset });
  // What it has spent and given back counts, whether it may have more or not.
  const told = merge(state, { ...known, asset }, request.shares, context);
  if (authority.status !== 'active')
    return heardOnly(told, { verdict: 'refused', authority }, 'never');
  const named = counters(told.state);
  const limits = named.map((counter) => ({ counter, left: leftOf(counter.counter) }));
  const names = named.map(({ name }) => name);
  const kept = currentShares(told.row.shares, named, context.now);
  const current = pick(kept, [...names, CREDIT]);

  // The need must fit into every limit, so the one that is furthest from that decides, and is named.
  let lacking: Lacking | undefined;
  const lack = (lacks: Lacking): void => {
    if (isWorse(lacks.reach, lacking?.reach)) lacking = lacks;
  };
  for (const { counter, left } of limits) {
    const share = current[counter.name] ?? NO_SHARE;
    const lacks = request.need - unusedOf(share);
    // Where a limit was lowered below what is out, nothing of it may be used any more, also what was given before (law 6).
    if (request.need === 0n || (left >= 0n && lacks <= min(left, grantable(share)))) continue;
    const limit = { ...counterState(withoutUnused(counter.counter)), account: state.account };
    const reach = lacks > grantable(share) ? 'never' : reachOfLimit(counter.counter, request.need);
    lack({ rule: counter.counter.rule, limit, reach });
  }
  const purse = purseOf(told.state, asset);
  const credit = current[CREDIT] ?? NO_SHARE;
  const owed = max(0n, (request.credit ?? 0n) - unusedOf(credit));
  const creditLeft = freeCredit(purse);
  if (request.credit !== undefined && owed > min(creditLeft, grantable(credit))) {
    const limit = {
      rule: 'credit',
      account: state.account,
      limit: purse.credit.toString(),
      spent: '0',
      held: (purse.creditHeld + purse.creditHeldBelow).toString(),
      remaining: max(0n, purse.credit - purse.creditHeld - purse.creditHeldBelow).toString(),
    };
    const reach = owed > grantable(credit) ? 'never' : reachOfCredit(purse, request.credit);
    lack({ rule: 'credit', limit, reach });
  }
  if (lacking !== undefined) {
    const { rule, limit, reach } = lacking;
    return heardOnly(told, { verdict: 'short', authority, shares: current, rule, limit }, reach);
  }

  // The last units are handed out one need at a time, so that none rests with somebody who does not use it.
  const parts = BigInt(2 * context.leaseParts(issued));
  const equalPart = (left: bigint): bigint => max(0n, left) / parts;
  const goal = limits.reduce(
    (least, { counter, left }) =>
      min(least, unusedOf(current[counter.name] ?? NO_SHARE) + equalPart(left)),
    request.want,
  );
  const shares: Record<string, Share> = { ...current };
  for (const name of names) {
    const share = current[name] ?? NO_SHARE;
    const more = max(0n, max(request.need, goal) - unusedOf(share));
    shares[name] = granting(share, more);
  }
  if (request.credit !== undefined) {
    const wanted = min((request.creditWant ?? 0n) - unusedOf(credit), equalPart(creditLeft));
    shares[CREDIT] = granting(credit, max(owed, wanted));
  }
  const verdict: LeaseVerdict = { verdict: 'leased', authority, shares };
  const good = context.now + LEASE_SECONDS;
  const isSame = Object.entries(shares).every(([name, share]) => isOf(share, known.shares[name]));
  // Asking again and again costs no rows where nothing is given.
  if (isSame && known.until >= good) return heardOnly(told, verdict, 'now');
  const until = Math.max(known.until, good + UNTIL_GRACE);
  const row: IssuedLease = { ...told.row, until, shares: { ...kept, ...shares } };
  return {
    state: counted(told.state, told.row, row, context),
    writes: [put(ISSUED_LEASE, row)],
    entries: told.entries,
    verdict: { verdict, reach: 'now' },
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
 * The shares that count now. The counter says which period that is: one that `counted` would pass over must never be granted into, or
 * the limit would have no end. What is kept of other counters is what is still good, should their limits come back.
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

/** Totals only grow, and storage counts so far: one that could not be stored would fail its whole group, again and again. */
const grantable = ({ granted }: Share): bigint => MAX_STORED - granted;

const granting = (share: Share, more: bigint): Share => ({
  ...share,
  granted: share.granted + min(more, grantable(share)),
});

/** The limit as a refused child sees it: unused shares of its siblings count as remaining, because a need that fits gets them. */
const withoutUnused = (counter: SpendCounter): SpendCounter => ({
  ...counter,
  held: counter.held - (counter.lent?.unused ?? 0n),
});

/** Below zero where the limit was lowered. */
const leftOf = ({ limit, spent, held }: SpendCounter): bigint => limit - spent - held;

type Short = Extract<LeaseVerdict, { readonly verdict: 'short' }>;

/** A limit that has too little left for a need. */
type Lacking = Pick<Short, 'rule' | 'limit'> & Pick<Leased, 'reach'>;

/** Gives nothing; what the child has said is kept. */
const heardOnly = (
  { state, row, entries, changed }: Told,
  verdict: LeaseVerdict,
  reach: Reach,
): Decision<Leased> => ({
  state,
  writes: changed ? [put(ISSUED_LEASE, row)] : [],
  entries,
  verdict: { verdict, reach },
});

/** Whether a share is what it was: of the same period, too, since totals begin anew with each. */
const isOf = ({ start, granted }: Share, known: Share | undefined): boolean =>
  start === known?.start && granted === known.granted;

const pick = (shares: Shares, names: readonly string[]): Record<string, Share> =>
  Object.fromEntries(
    names.flatMap((name) => {
      const share = shares[name];
      return share === undefined ? [] : [[name, share]];
    }),
  );
