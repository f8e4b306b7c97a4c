import { link } from '../../../src/audit/entry.ts';
import { MAX_STORED, max, min } from '../../../src/protocol/amount.ts';
import type { Hex } from '../../../src/core/hex.ts';
import { counterState } from '../../../src/policy/limit.ts';
import type { Seconds } from '../../../src/core/clock.ts';
import type { SpendCounter } from '../../../src/policy/rule.ts';
import { everyOf, rolled } from '../../../src/policy/window.ts';
import { withoutEndedShares } from './counters.ts';
import { type Context, type Decision, unchanged } from '../decision.ts';
import { authorityOver } from './issued.ts';
import type { NamedMeter } from './limit-counters.ts';
import { isWorse, type Reach, reachOfCredit, reachOfLimit } from './reach.ts';
import { shareEnd } from './shares.ts';
import { type AccountState, freeCredit, purseOf, withPurse } from '../state.ts';
import type {
  LeaseRequest,
  LeaseVerdict,
  Share,
  Shares,
} from '../../../src/protocol/account/lease.ts';
import { CREDIT, NO_SHARE, outstandingOf, unusedOf } from './tree.ts';

/** How long a lease is good, from when it was asked for (design §5). */
export const LEASE_SECONDS = 60;
/** How much longer its row says so: whoever asks again within this time costs no row, and is told of a freeze all the same. */
const UNTIL_GRACE = 5;

/** What one account below has of this one, by one grant. A row of `leases`. */
export type LeaseRow = {
  readonly child: LeaseRequest['child'];
  readonly issued: Hex;
  readonly asset: LeaseRequest['asset'];
  readonly until: number;
  readonly shares: Shares;
};

/**
 * Until when an account below has reported what it spent: what it spent later is not in its shares here. Undefined where it holds
 * nothing that it could spend: then all of it is reported. A report since the last renewal may make the time old, never too new.
 */
export const reportedAt = ({ until, shares }: LeaseRow): Seconds | undefined =>
  Object.values(shares).every((share) => unusedOf(share) === 0n && share.held === 0n)
    ? undefined
    : until - LEASE_SECONDS - UNTIL_GRACE;

const noLease = ({
  child,
  issued,
  asset,
}: Pick<LeaseRow, 'child' | 'issued' | 'asset'>): LeaseRow => ({
  child,
  issued,
  asset,
  until: 0,
  shares: {},
});

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
  const { authority, asset, meters } = authorityOver(state, request, context);
  const { child, issued } = request;
  const known = context.leaseOf(child, issued) ?? noLease({ child, issued, asset });
  // What it has spent and given back counts, whether it may have more or not.
  const told = merge(state, { ...known, asset }, request.shares, context);
  if (authority.status !== 'active')
    return heardOnly(told, { verdict: 'refused', authority }, 'never');
  const named = meters(told.state);
  const limits = named.map((meter) => ({ meter, left: leftOf(meter.meter) }));
  const names = named.map(({ name }) => name);
  const kept = currentShares(told.row.shares, named, context.now);
  const current = pick(kept, [...names, CREDIT]);

  // The need must fit into every limit, so the one that is furthest from that decides, and is named.
  let lacking: Lacking | undefined;
  const lack = (lacks: Lacking): void => {
    if (isWorse(lacks.reach, lacking?.reach)) lacking = lacks;
  };
  for (const { meter, left } of limits) {
    const share = current[meter.name] ?? NO_SHARE;
    const lacks = request.need - unusedOf(share);
    // Where a limit was lowered below what is out, nothing of it may be used any more, also what was given before (law 6).
    if (request.need === 0n || (left >= 0n && lacks <= min(left, grantable(share)))) continue;
    const limit = { ...counterState(withoutUnused(meter.meter)), account: state.account };
    const reach = lacks > grantable(share) ? 'never' : reachOfLimit(meter.meter, request.need);
    lack({ rule: meter.meter.rule, limit, reach });
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
    (least, { meter, left }) =>
      min(least, unusedOf(current[meter.name] ?? NO_SHARE) + equalPart(left)),
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
  const row: LeaseRow = { ...told.row, until, shares: { ...kept, ...shares } };
  return {
    state: counted(told.state, told.row, row, context),
    records: [],
    loose: told.loose,
    leases: [row],
    durable: true,
    verdict: { verdict, reach: 'now' },
  };
};

/** What came back from an account below, and what it has spent: after a recall, or when it has nothing to do. Pure. */
export const takeBack = (
  state: AccountState,
  row: LeaseRow,
  shares: Shares,
  context: Context,
): Decision<{ readonly verdict: 'ok' }> => {
  const told = merge(state, row, shares, context);
  const verdict = { verdict: 'ok' } as const;
  if (!told.changed) return unchanged(state, verdict);
  const kept = { ...told.row, shares: withoutEndedShares(told.row.shares, context.now) };
  return { ...told, records: [], leases: [kept], durable: true, verdict };
};

/** How an account below has reported that it stands. */
export type Report = Pick<LeaseRow, 'child' | 'issued' | 'shares'>;

/** The account as if reports had been taken over. For dry runs, which write nothing. Pure. */
export const withReports = (
  state: AccountState,
  reports: readonly Report[],
  context: Context,
): AccountState =>
  reports.reduce((known, { child, issued, shares }) => {
    const row = context.leaseOf(child, issued);
    return row === undefined ? known : merge(known, row, shares, context).state;
  }, state);

type Told = {
  readonly state: AccountState;
  readonly row: LeaseRow;
  readonly loose: Decision<unknown>['loose'];
  readonly changed: boolean;
};

/** Takes over the child's totals. Only periods that run count: what is left of an older one is nobody's. */
const merge = (state: AccountState, row: LeaseRow, shares: Shares, context: Context): Told => {
  const next: Record<string, Share> = { ...row.shares };
  let changed = false;
  for (const [name, told] of Object.entries(shares)) {
    const known = row.shares[name];
    if (known === undefined || known.start !== told.start) continue;
    // A child that claims more than it was ever given is not believed: it may give back only what it has.
    const spent = min(max(known.spent, told.spent), known.granted - known.returned);
    const returned = min(max(known.returned, told.returned), known.granted - spent);
    const held = min(max(0n, told.held), known.granted - returned - spent);
    changed ||= spent !== known.spent || returned !== known.returned || held !== known.held;
    next[name] = { ...known, spent, returned, held };
  }
  const merged = { ...row, shares: next };
  const drawn = (next[CREDIT]?.spent ?? 0n) - (row.shares[CREDIT]?.spent ?? 0n);
  const after = counted(state, row, merged, context);
  if (drawn === 0n) return { state: after, row: merged, loose: [], changed };
  return { ...lend(after, row, drawn, context), row: merged, changed };
};

/** Credit that an account below has spent is gone from this one's purse; the entry is what makes both logs add up (law 11). */
const lend = (
  state: AccountState,
  { child, asset, issued }: LeaseRow,
  drawn: bigint,
  context: Context,
) => {
  const { entry, head } = link(state.head, state.account, context.salt(), {
    type: 'credit.lent',
    at: context.now,
    amounts: { amount: drawn.toString() },
    payment: { asset, to: child, grant: issued },
  });
  const purse = purseOf(state, asset);
  const lent = { ...purse, credit: purse.credit - drawn };
  return { state: { ...withPurse(state, asset, lent), head }, loose: [entry] };
};

/** The counters here follow what the rows of `leases` say: granted less returned is counted, spent or not. */
const counted = (
  state: AccountState,
  before: LeaseRow,
  after: LeaseRow,
  { now }: Context,
): AccountState => {
  const purse = purseOf(state, after.asset);
  const windows = { ...purse.windows };
  let { creditLent, creditHeldBelow } = purse;
  for (const [name, share] of Object.entries(after.shares)) {
    const past = before.shares[name];
    const known = past?.start === share.start ? past : NO_SHARE;
    const leased = outstandingOf(share) - outstandingOf(known);
    const drawn = share.spent - known.spent;
    const held = share.held - known.held;
    if (name === CREDIT) {
      creditLent += leased - drawn;
      creditHeldBelow += held;
      continue;
    }
    const counter = rolled(purse.windows[name], everyOf(name), now);
    if (counter.start !== share.start) continue;
    windows[name] = {
      ...counter,
      leased: counter.leased + leased,
      drawn: counter.drawn + drawn,
      heldBelow: counter.heldBelow + held,
    };
  }
  return withPurse(state, after.asset, { ...purse, windows, creditLent, creditHeldBelow });
};

/**
 * The shares that count now. The counter says which period that is: one that `counted` would pass over must never be granted into, or
 * the limit would have no end. What is kept of other counters is what is still good, should their limits come back.
 */
const currentShares = (
  shares: Shares,
  limits: readonly NamedMeter[],
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
const withoutUnused = (meter: SpendCounter): SpendCounter => ({
  ...meter,
  held: meter.held - (meter.lent?.unused ?? 0n),
});

/** Below zero where the limit was lowered. */
const leftOf = ({ limit, spent, held }: SpendCounter): bigint => limit - spent - held;

type Short = Extract<LeaseVerdict, { readonly verdict: 'short' }>;

/** A limit that has too little left for a need. */
type Lacking = Pick<Short, 'rule' | 'limit'> & Pick<Leased, 'reach'>;

/** Gives nothing; what the child has said is kept. */
const heardOnly = (
  { state, row, loose, changed }: Told,
  verdict: LeaseVerdict,
  reach: Reach,
): Decision<Leased> => ({
  state,
  records: [],
  loose,
  leases: changed ? [row] : [],
  durable: changed,
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
