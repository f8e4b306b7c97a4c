import { link } from '../../src/audit/entry.ts';
import { max, min } from '../../src/core/amount.ts';
import type { Hex } from '../../src/core/account-id.ts';
import { meterState } from '../../src/policy/evaluate.ts';
import type { Meter } from '../../src/policy/policy.ts';
import { everyOf, periodOf, rolled } from '../../src/policy/window.ts';
import { type Context, type Decision, unchanged } from './decision.ts';
import { authorityOver } from './issued.ts';
import { type AccountState, freeCredit, purseOf, withPurse } from './state.ts';
import type { LeaseRequest, LeaseVerdict, Slice, Slices } from './tree-contract.ts';
import { CREDIT, NO_SLICE, outstandingOf, unusedOf } from './tree.ts';

/** How long a lease is good, from when it was asked for (design §5). */
export const LEASE_SECONDS = 60;

/** What one account below has of this one, by one grant. A row of `leases`. */
export type LeaseRow = {
  readonly child: LeaseRequest['child'];
  readonly issued: Hex;
  readonly asset: LeaseRequest['asset'];
  readonly until: number;
  readonly slices: Slices;
};

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

/**
 * Gives an account below a share of every limit here, and the word that its grant lives (law 6). Counted here is what was granted less
 * what came back, whatever the child did with it; so no message that is lost, late or repeated can make the sum pass a limit. Pure.
 */
export const lease = (
  state: AccountState,
  request: LeaseRequest,
  context: Context,
): Decision<LeaseVerdict> => {
  const { authority, asset, meters } = authorityOver(state, request, context);
  if (authority.status !== 'active') {
    return unchanged(state, { verdict: 'refused', authority });
  }
  const { child, issued } = request;
  const told = merge(
    state,
    context.leaseOf(child, issued) ?? noLease(request),
    request.slices,
    context,
  );
  const limits = meters(told.state).map((meter) => ({ meter, left: leftOf(meter.meter) }));
  const names = limits.map(({ meter }) => meter.name);
  const current = currentSlices(told.row.slices, names, context.now);

  for (const { meter, left } of limits) {
    const lacks = request.need - unusedOf(current[meter.name] ?? NO_SLICE);
    if (lacks <= left) continue;
    const limit = { ...meterState(meter.meter), account: state.account };
    return short(told, current, authority, meter.meter.rule, limit);
  }
  const purse = purseOf(told.state, asset);
  const credit = current[CREDIT] ?? NO_SLICE;
  const owed = max(0n, (request.credit ?? 0n) - unusedOf(credit));
  const creditLeft = freeCredit(purse);
  if (owed > creditLeft) {
    const limit = {
      rule: 'credit',
      account: state.account,
      limit: purse.credit.toString(),
      spent: '0',
      held: (purse.creditHeld + purse.creditLent).toString(),
      remaining: max(0n, creditLeft).toString(),
    };
    return short(told, current, authority, 'credit', limit);
  }

  // The last units are handed out one need at a time, so that none rests with somebody who does not use it.
  const share = (left: bigint): bigint => left / BigInt(2 * (context.lessees() + 1));
  const goal = limits.reduce(
    (least, { meter, left }) => min(least, unusedOf(current[meter.name] ?? NO_SLICE) + share(left)),
    request.want,
  );
  const slices: Record<string, Slice> = { ...current };
  for (const name of names) {
    const slice = current[name] ?? NO_SLICE;
    const more = max(0n, max(request.need, goal) - unusedOf(slice));
    slices[name] = { ...slice, granted: slice.granted + more };
  }
  if (request.credit !== undefined) {
    const wanted = min((request.creditWant ?? 0n) - unusedOf(credit), share(creditLeft));
    slices[CREDIT] = { ...credit, granted: credit.granted + max(owed, wanted) };
  }
  const until = Math.max(told.row.until, context.now + LEASE_SECONDS);
  const row: LeaseRow = { ...told.row, until, slices };
  const verdict: LeaseVerdict = { verdict: 'leased', authority, slices };
  if (request.dryRun === true) return unchanged(state, verdict);
  return {
    state: counted(told.state, told.row, row, context),
    records: [],
    loose: told.loose,
    leases: [row],
    durable: true,
    verdict,
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
  return { ...told, records: [], leases: [told.row], durable: true, verdict };
};

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
  let { creditLent } = purse;
  for (const [name, slice] of Object.entries(after.slices)) {
    const past = before.slices[name];
    const known = past?.start === slice.start ? past : NO_SLICE;
    const leased = outstandingOf(slice) - outstandingOf(known);
    const drawn = slice.spent - known.spent;
    if (name === CREDIT) {
      creditLent += leased - drawn;
      continue;
    }
    const counter = rolled(purse.windows[name], everyOf(name), now);
    if (counter.start !== slice.start) continue;
    windows[name] = {
      ...counter,
      leased: counter.leased + leased,
      drawn: counter.drawn + drawn,
    };
  }
  return withPurse(state, after.asset, { ...purse, windows, creditLent });
};

/** The slices that count now; a counter whose period has ended starts from nothing. */
const currentSlices = (slices: Slices, names: readonly string[], now: number): Slices => {
  const current: Record<string, Slice> = {};
  for (const name of names) {
    const { start } = periodOf(everyOf(name), now);
    const known = slices[name];
    current[name] = known !== undefined && known.start >= start ? known : { ...NO_SLICE, start };
  }
  const credit = slices[CREDIT];
  return credit === undefined ? current : { ...current, [CREDIT]: credit };
};

const leftOf = ({ limit, spent, held }: Meter): bigint => max(0n, limit - spent - held);

const short = (
  told: Told,
  slices: Slices,
  authority: Extract<LeaseVerdict, { readonly verdict: 'short' }>['authority'],
  rule: 'window' | 'lifetime' | 'credit',
  limit: Extract<LeaseVerdict, { readonly verdict: 'short' }>['limit'],
): Decision<LeaseVerdict> => ({
  state: told.state,
  records: [],
  loose: told.loose,
  leases: told.changed ? [told.row] : [],
  durable: told.changed,
  verdict: { verdict: 'short', authority, slices, rule, limit },
});
