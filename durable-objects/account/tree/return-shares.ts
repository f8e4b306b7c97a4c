import type { Decision } from '../decision.ts';
import type { Seconds } from '../../../src/core/clock.ts';
import type { Hex } from '../../../src/core/hex.ts';
import type { Recall, Returned, Shares } from '../../../src/protocol/account/lease.ts';
import { type Context, stored, unchanged } from '../decision.ts';
import type { AccountState } from '../state.ts';
import { type HeldGrant, linksOf } from './held-grant.ts';
import { isClosing } from './idle-branches.ts';
import { allReturned, NO_SHARE } from './share.ts';
import { mergeShares, REFUSED_SECONDS } from './take-lease.ts';
import { withShares } from './tree.ts';

/**
 * A parent takes back what is unused, and tells its revision and status. The answer is committed before it leaves: a total that was
 * told and then lost would be spent twice (law 6).
 */
export const recalled = (
  state: AccountState,
  { branches }: Recall,
  { now }: Context,
): Decision<Returned> => {
  let { tree, leases } = state;
  let isNews = false;
  const told: Record<Hex, Shares> = {};
  for (const [key, { revision, status, shares }] of Object.entries(branches)) {
    const issued = key as Hex;
    if (tree.shares[issued] === undefined && !state.held.some(holds(issued))) {
      told[issued] = closed(shares);
      continue;
    }
    const last = tree.answers[issued];
    if (last === undefined || revision > last.revision) {
      tree = { ...tree, answers: { ...tree.answers, [issued]: { revision, status } } };
      isNews = true;
      const lease = leases[issued];
      // The next call asks again, whatever has changed; a refusal holds at once.
      if (lease !== undefined) {
        const until = status === 'active' ? 0 : now + REFUSED_SECONDS;
        const { shortOf: _, ...rest } = lease;
        leases = { ...leases, [issued]: { ...rest, status, until } };
      }
    }
    const before = mergeShares(tree, issued, shares).shares[issued] ?? {};
    const after = allReturned(before);
    isNews ||= Object.entries(after).some(
      ([name, { returned }]) => returned !== (tree.shares[issued]?.[name] ?? NO_SHARE).returned,
    );
    tree = withShares(tree, issued, after);
    told[issued] = after;
  }
  const verdict: Returned = { verdict: 'returned', branches: told };
  const next = { ...state, tree, leases };
  return isNews ? stored(next, verdict) : unchanged(next, verdict);
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
 * The parent's shares as this account knows them. Nothing is held of a share that it does not know, because no call here draws from it.
 * It is not returned either: its lease may still be on the way, and the parent recalls it once it is known to be unused.
 */
const ownShares = (shares: Shares, known: Shares): Shares =>
  Object.fromEntries(
    Object.entries(shares).map(([name, share]) => {
      const own = known[name];
      return [name, own?.start === share.start ? own : { ...share, held: 0n }];
    }),
  );

/**
 * The shares by a grant that was forgotten: all that was not spent comes back. Shares are forgotten only after the parent has
 * acknowledged what was spent (`closeShares`), so its own totals are right, also of a grant whose answer was lost.
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

/** Forgets the shares by a grant that has ended, once the parent has acknowledged exactly these, and nothing changed since. */
export const closeShares = (
  state: AccountState,
  issued: Hex,
  told: Shares,
  now: Seconds,
): Decision<{ readonly verdict: 'ok' }> => {
  const verdict = { verdict: 'ok' } as const;
  const isTold = state.tree.shares[issued] === told;
  if (!isTold || !isClosing(state, issued, now)) return unchanged(state, verdict);
  const { [issued]: _, ...shares } = state.tree.shares;
  return stored({ ...state, tree: { ...state.tree, shares } }, verdict);
};

/** Returns everything that an idle account has by one grant. */
export const giveUp = (state: AccountState, issued: Hex): Decision<Shares> => {
  const shares = allReturned(state.tree.shares[issued] ?? {});
  return stored({ ...state, tree: withShares(state.tree, issued, shares) }, shares);
};
