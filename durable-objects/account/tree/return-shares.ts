import type { Seconds } from '../../../src/core/clock.ts';
import type { Hex } from '../../../src/core/hex.ts';
import type { Recall, Returned, Shares } from '../../../src/protocol/account/lease.ts';
import { type Context, type Decision, stored, unstored } from '../decision.ts';
import { droppedAt, isOver } from '../pruning.ts';
import type { AccountState } from '../state.ts';
import { type HeldGrant, linksOf } from './grants.ts';
import { allReturned, hasUnused, NO_SHARE } from './share.ts';
import { mergeShares, REFUSED_SECONDS } from './take-lease.ts';
import { reportedOf, unreported, withShares } from './tree.ts';

/**
 * Returns unused shares to the parent that recalls them, and records its revision and status. The account commits the answer before it
 * sends it: a total that was sent and then lost would be spent twice (law 6).
 */
export const recalled = (
  state: AccountState,
  { branches }: Recall,
  { now }: Context,
): Decision<Returned> => {
  let { tree, leases } = state;
  let hasChanged = false;
  const answer: Record<Hex, Shares> = {};
  for (const [key, { revision, status, shares }] of Object.entries(branches)) {
    const issued = key as Hex;
    if (tree.shares[issued] === undefined && !state.held.some(holds(issued))) {
      answer[issued] = closed(shares);
      continue;
    }
    const last = tree.answers[issued];
    if (last === undefined || revision > last.revision) {
      tree = { ...tree, answers: { ...tree.answers, [issued]: { revision, status } } };
      hasChanged = true;
      const lease = leases[issued];
      // An active parent: the next call requests a lease again. Any other status denies calls at once.
      if (lease !== undefined) {
        const until = status === 'active' ? 0 : now + REFUSED_SECONDS;
        const { shortOf: _, ...rest } = lease;
        leases = { ...leases, [issued]: { ...rest, status, until } };
      }
    }
    const before = mergeShares(tree, issued, shares).shares[issued] ?? {};
    const after = allReturned(before);
    hasChanged ||= Object.entries(after).some(
      ([name, { returned }]) => returned !== (tree.shares[issued]?.[name] ?? NO_SHARE).returned,
    );
    tree = withShares(tree, issued, after);
    answer[issued] = after;
  }
  const verdict: Returned = { verdict: 'returned', branches: answer };
  const next = { ...state, tree, leases };
  return hasChanged ? stored(next, verdict) : unstored(next, verdict);
};

/** Reports this account's shares of a parent. Returns nothing that the account may still use, and writes nothing. */
export const reported = ({ tree, held }: AccountState, { branches }: Recall): Returned => ({
  verdict: 'returned',
  branches: Object.fromEntries(
    Object.entries(branches).map(([key, { shares }]) => {
      const issued = key as Hex;
      const isForgotten = tree.shares[issued] === undefined && !held.some(holds(issued));
      return [issued, isForgotten ? closed(shares) : ownShares(shares, tree.shares[issued] ?? {})];
    }),
  ),
});

/**
 * The parent's shares as this account knows them. A share that the account does not know is reported as not held, because no call here
 * uses it, and as not returned: its lease may still be on the way. The parent recalls it once the account has received it.
 */
const ownShares = (shares: Shares, known: Shares): Shares =>
  Object.fromEntries(
    Object.entries(shares).map(([name, share]) => {
      const own = known[name];
      return [name, own?.start === share.start ? own : { ...share, held: 0n }];
    }),
  );

/**
 * The shares of a forgotten grant: everything unspent is returned. The account forgets shares only after the parent acknowledged what
 * was spent (`reportArrived`), so the parent's own totals are right, even if its last answer was lost.
 */
const closed = (shares: Shares): Shares =>
  Object.fromEntries(
    Object.entries(shares).map(([name, share]) => [
      name,
      { ...share, held: 0n, returned: share.granted - share.spent },
    ]),
  );

const holds =
  (issued: Hex) =>
  (held: HeldGrant): boolean =>
    linksOf(held).some(({ hash }) => hash === issued);

/**
 * Records that the issuer of a grant has acknowledged these shares. Unless they have changed since, the issuer now knows what the account
 * has spent, and the account forgets the shares of an ended grant.
 */
export const reportArrived = (
  state: AccountState,
  issued: Hex,
  sent: Shares,
  now: Seconds,
): Decision<{ readonly verdict: 'ok' }> => {
  const verdict = { verdict: 'ok' } as const;
  if (state.tree.shares[issued] !== sent) return unstored(state, verdict);
  const tree = reportedOf(state.tree, issued);
  if (!isClosing(state, issued, now)) {
    return tree === state.tree ? unstored(state, verdict) : stored({ ...state, tree }, verdict);
  }
  const { [issued]: _, ...shares } = tree.shares;
  return stored({ ...state, tree: { ...tree, shares } }, verdict);
};

/** Records that a report did not arrive, so that it is sent again. Its returned amounts are in the totals already. */
export const reportLost = (state: AccountState, issued: Hex): Decision<undefined> => {
  const tree = unreported(state.tree, [issued]);
  return tree === state.tree ? unstored(state, undefined) : stored({ ...state, tree }, undefined);
};

/** Returns all unused shares of one grant. Totals that return nothing need not be stored before they are sent. */
export const giveUp = (state: AccountState, issued: Hex): Decision<Shares> => {
  const own = state.tree.shares[issued] ?? {};
  const shares = allReturned(own);
  if (Object.entries(shares).every(([name, share]) => share === own[name])) {
    return unstored(state, own);
  }
  const tree = withShares(reportedOf(state.tree, issued), issued, shares);
  return stored({ ...state, tree }, shares);
};

/** After this long without a lease an account returns what it did not use. */
const IDLE_GRACE: Seconds = 5;

/** A report about an ended grant that did not arrive is repeated after this long. */
const REPORT_AGAIN: Seconds = 60;

/**
 * Delay before the account reports what it spent of a used-up share. By then the export alarm runs anyway, and a busy account has requested
 * a new share.
 */
const REPORT_SPENT: Seconds = 10;

/**
 * Grants whose issuers must get a report: unused money remains although the lease has expired, nothing remains and the issuer does not know
 * what was spent, or the grant has ended and its shares can be forgotten.
 */
export const idleBranches = (state: AccountState, now: Seconds): readonly Hex[] =>
  branchesOf(state).filter(
    (issued) =>
      (isUnused(state, issued, now) && leaseEnd(state, issued) <= now) ||
      isUsedUp(state, issued, now) ||
      isClosing(state, issued, now),
  );

/** Whether shares can be forgotten: every held grant that depends on them has ended, and no call holds any of them. */
const isClosing = (state: AccountState, issued: Hex, now: Seconds): boolean => {
  const shares = state.tree.shares[issued];
  return (
    shares !== undefined &&
    Object.values(shares).every(({ held }) => held === 0n) &&
    state.held.every(
      (held) => isOver(held, now) || !linksOf(held).some(({ hash }) => hash === issued),
    )
  );
};

/** When the alarm must check for idle shares; undefined if none can become idle. */
export const idleAt = (state: AccountState, now: Seconds): Seconds | undefined => {
  if (state.held.length === 0) return undefined;
  const branches = branchesOf(state);
  const times = [
    ...branches
      .filter((issued) => isUnused(state, issued, now))
      .map((issued) => leaseEnd(state, issued)),
    ...(branches.some((issued) => isUsedUp(state, issued, now)) ? [now + REPORT_SPENT] : []),
    ...(branches.some((issued) => isClosing(state, issued, now)) ? [now + REPORT_AGAIN] : []),
    ...state.held.map(droppedAt).filter((at) => at > now),
  ];
  return times.length === 0 ? undefined : times.reduce((a, b) => Math.min(a, b));
};

const branchesOf = ({ held }: AccountState): readonly Hex[] => [
  ...new Set(held.flatMap(linksOf).map(({ hash }) => hash)),
];

const isUnused = ({ tree }: AccountState, issued: Hex, now: Seconds): boolean =>
  hasUnused(tree.shares[issued] ?? {}, now);

/**
 * Whether a share is used up and its newest spend unreported. Only a request for another share would report that
 * spend, and the account may never send one.
 */
const isUsedUp = (state: AccountState, issued: Hex, now: Seconds): boolean =>
  state.tree.unreported?.includes(issued) === true && !isUnused(state, issued, now);

/** An evicted account no longer holds a lease, so its `until` counts as 0. */
const leaseEnd = ({ leases }: AccountState, issued: Hex): Seconds =>
  (leases[issued]?.until ?? 0) + IDLE_GRACE;
