import { link } from '../../../src/audit/entry.ts';
import { MAX_STORED, max, min } from '../../../src/protocol/amount.ts';
import type { Hex } from '../../../src/core/hex.ts';
import { meterState } from '../../../src/policy/evaluate.ts';
import type { Seconds } from '../../../src/core/clock.ts';
import type { Meter } from '../../../src/policy/policy.ts';
import { everyOf, rolled } from '../../../src/policy/window.ts';
import { withoutEndedSlices } from './counters.ts';
import { type Context, type Decision, unchanged } from '../decision.ts';
import { authorityOver } from './issued.ts';
import type { NamedMeter } from './limit-counters.ts';
import { isWorse, type Reach, reachOfCredit, reachOfLimit } from './reach.ts';
import { sliceEnd } from './shares.ts';
import { type AccountState, freeCredit, purseOf, withPurse } from '../state.ts';
import type {
  LeaseRequest,
  LeaseVerdict,
  Slice,
  Slices,
} from '../../../src/protocol/account/lease.ts';
import { CREDIT, NO_SLICE, outstandingOf, unusedOf } from './tree.ts';

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
  readonly slices: Slices;
};

/**
 * Until when an account below has reported what it spent: what it spent later is not in its slices here. Undefined where it holds
 * nothing that it could spend: then all of it is reported. A report since the last renewal may make the time old, never too new.
 */
export const reportedAt = ({ until, slices }: LeaseRow): Seconds | undefined =>
  Object.values(slices).every((slice) => unusedOf(slice) === 0n && slice.held === 0n)
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
  slices: {},
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
  const told = merge(state, { ...known, asset }, request.slices, context);
  if (authority.status !== 'active')
    return heardOnly(told, { verdict: 'refused', authority }, 'never');
  const named = meters(told.state);
  const limits = named.map((meter) => ({ meter, left: leftOf(meter.meter) }));
  const names = named.map(({ name }) => name);
  const kept = currentSlices(told.row.slices, named, context.now);
  const current = pick(kept, [...names, CREDIT]);

  // The need must fit into every limit, so the one that is furthest from that decides, and is named.
  let lacking: Lacking | undefined;
  const lack = (lacks: Lacking): void => {
    if (isWorse(lacks.reach, lacking?.reach)) lacking = lacks;
  };
  for (const { meter, left } of limits) {
    const slice = current[meter.name] ?? NO_SLICE;
    const lacks = request.need - unusedOf(slice);
    // Where a limit was lowered below what is out, nothing of it may be used any more, also what was given before (law 6).
    if (request.need === 0n || (left >= 0n && lacks <= min(left, grantable(slice)))) continue;
    const limit = { ...meterState(withoutUnused(meter.meter)), account: state.account };
    const reach = lacks > grantable(slice) ? 'never' : reachOfLimit(meter.meter, request.need);
    lack({ rule: meter.meter.rule, limit, reach });
  }
  const purse = purseOf(told.state, asset);
  const credit = current[CREDIT] ?? NO_SLICE;
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
    return heardOnly(told, { verdict: 'short', authority, slices: current, rule, limit }, reach);
  }

  // The last units are handed out one need at a time, so that none rests with somebody who does not use it.
  const parts = BigInt(2 * context.leaseParts(issued));
  const share = (left: bigint): bigint => max(0n, left) / parts;
  const goal = limits.reduce(
    (least, { meter, left }) => min(least, unusedOf(current[meter.name] ?? NO_SLICE) + share(left)),
    request.want,
  );
  const slices: Record<string, Slice> = { ...current };
  for (const name of names) {
    const slice = current[name] ?? NO_SLICE;
    const more = max(0n, max(request.need, goal) - unusedOf(slice));
    slices[name] = granting(slice, more);
  }
  if (request.credit !== undefined) {
    const wanted = min((request.creditWant ?? 0n) - unusedOf(credit), share(creditLeft));
    slices[CREDIT] = granting(credit, max(owed, wanted));
  }
  const verdict: LeaseVerdict = { verdict: 'leased', authority, slices };
  const good = context.now + LEASE_SECONDS;
  const isSame = Object.entries(slices).every(([name, slice]) => isOf(slice, known.slices[name]));
  // Asking again and again costs no rows where nothing is given.
  if (isSame && known.until >= good) return heardOnly(told, verdict, 'now');
  const until = Math.max(known.until, good + UNTIL_GRACE);
  const row: LeaseRow = { ...told.row, until, slices: { ...kept, ...slices } };
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
  slices: Slices,
  context: Context,
): Decision<{ readonly verdict: 'ok' }> => {
  const told = merge(state, row, slices, context);
  const verdict = { verdict: 'ok' } as const;
  if (!told.changed) return unchanged(state, verdict);
  const kept = { ...told.row, slices: withoutEndedSlices(told.row.slices, context.now) };
  return { ...told, records: [], leases: [kept], durable: true, verdict };
};

/** How an account below has reported that it stands. */
export type Report = Pick<LeaseRow, 'child' | 'issued' | 'slices'>;

/** The account as if reports had been taken over. For dry runs, which write nothing. Pure. */
export const withReports = (
  state: AccountState,
  reports: readonly Report[],
  context: Context,
): AccountState =>
  reports.reduce((known, { child, issued, slices }) => {
    const row = context.leaseOf(child, issued);
    return row === undefined ? known : merge(known, row, slices, context).state;
  }, state);

type Told = {
  readonly state: AccountState;
  readonly row: LeaseRow;
  readonly loose: Decision<unknown>['loose'];
  readonly changed: boolean;
};

/** Takes over the child's totals. Only periods that run count: what is left of an older one is nobody's. */
const merge = (state: AccountState, row: LeaseRow, slices: Slices, context: Context): Told => {
  const next: Record<string, Slice> = { ...row.slices };
  let changed = false;
  for (const [name, told] of Object.entries(slices)) {
    const known = row.slices[name];
    if (known === undefined || known.start !== told.start) continue;
    // A child that claims more than it was ever given is not believed: it may give back only what it has.
    const spent = min(max(known.spent, told.spent), known.granted - known.returned);
    const returned = min(max(known.returned, told.returned), known.granted - spent);
    const held = min(max(0n, told.held), known.granted - returned - spent);
    changed ||= spent !== known.spent || returned !== known.returned || held !== known.held;
    next[name] = { ...known, spent, returned, held };
  }
  const merged = { ...row, slices: next };
  const drawn = (next[CREDIT]?.spent ?? 0n) - (row.slices[CREDIT]?.spent ?? 0n);
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
  for (const [name, slice] of Object.entries(after.slices)) {
    const past = before.slices[name];
    const known = past?.start === slice.start ? past : NO_SLICE;
    const leased = outstandingOf(slice) - outstandingOf(known);
    const drawn = slice.spent - known.spent;
    const held = slice.held - known.held;
    if (name === CREDIT) {
      creditLent += leased - drawn;
      creditHeldBelow += held;
      continue;
    }
    const counter = rolled(purse.windows[name], everyOf(name), now);
    if (counter.start !== slice.start) continue;
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
 * The slices that count now. The counter says which period that is: one that `counted` would pass over must never be granted into, or
 * the limit would have no end. What is kept of other counters is what is still good, should their limits come back.
 */
const currentSlices = (
  slices: Slices,
  limits: readonly NamedMeter[],
  now: Seconds,
): Record<string, Slice> => {
  const good = Object.entries(slices).filter(([name, slice]) => now < sliceEnd(name, slice));
  const current: Record<string, Slice> = Object.fromEntries(good);
  for (const { name, start } of limits) {
    if (current[name]?.start !== start) current[name] = { ...NO_SLICE, start };
  }
  return current;
};

/** Totals only grow, and storage counts so far: one that could not be stored would fail its whole group, again and again. */
const grantable = ({ granted }: Slice): bigint => MAX_STORED - granted;

const granting = (slice: Slice, more: bigint): Slice => ({
  ...slice,
  granted: slice.granted + min(more, grantable(slice)),
});

/** The limit as a refused child sees it: unused shares of its siblings count as remaining, because a need that fits gets them. */
const withoutUnused = (meter: Meter): Meter => ({
  ...meter,
  held: meter.held - (meter.lent?.unused ?? 0n),
});

/** Below zero where the limit was lowered. */
const leftOf = ({ limit, spent, held }: Meter): bigint => limit - spent - held;

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

/** Whether a slice is what it was: of the same period, too, since totals begin anew with each. */
const isOf = ({ start, granted }: Slice, known: Slice | undefined): boolean =>
  start === known?.start && granted === known.granted;

const pick = (slices: Slices, names: readonly string[]): Record<string, Slice> =>
  Object.fromEntries(
    names.flatMap((name) => {
      const slice = slices[name];
      return slice === undefined ? [] : [[name, slice]];
    }),
  );
