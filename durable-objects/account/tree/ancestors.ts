import type { Seconds } from '../../../src/core/clock.ts';
import type { AccountId } from '../../../src/protocol/account-id.ts';
import type { Relation } from '../../../src/protocol/account/standing.ts';
import { type AccountState, isKnown } from '../state.ts';
import { type HeldGrant, isLive, issuerOf, linksOf } from './grants.ts';
import type { Tree } from './tree.ts';

/**
 * The ancestors of an account, nearest first, by the grant that it took last, even if that grant has been revoked or has expired: an owner
 * must still be able to read and stop an agent whose grant it revoked (law 8). An offer does not make its issuer an ancestor: only `take`
 * writes this, with the holder's signature.
 */
export const ancestorsOf = ({ tree }: Pick<AccountState, 'tree'>): readonly AccountId[] =>
  tree.ancestors ?? [];

/** Whether the account has ancestors that may command it. An account without a taken grant has none. */
export const hasParent = ({ tree }: Pick<AccountState, 'tree'>): boolean =>
  tree.governed && tree.parent !== undefined;

/** Whether the account has ever stored anything. */
export const exists = (state: AccountState): boolean => isKnown(state) || state.head.seq > 0;

export const relationTo = (
  state: AccountState,
  by: AccountId,
  now: Seconds,
): Extract<Relation, { readonly verdict: 'found' }>['relation'] => {
  if (by === state.account) return 'self';
  const rank = ancestorsOf(state).indexOf(by);
  return rank < cutOffCount(state, now) ? 'none' : 'ancestor';
};

/**
 * How many of the nearest ancestors were cut off by one of their own ancestors. A live grant from the parent keeps all of them; a revoked
 * one cuts off the ancestors below the revocation.
 *
 * Attack: such an account must not command its descendants with a leaked key, nor read what they do.
 */
export const cutOffCount = (
  { tree, held }: Pick<AccountState, 'tree' | 'held'>,
  now: Seconds,
): number => {
  const logged = tree.cutOff ?? 0;
  const current = held.filter((each) => isCurrent(tree, each));
  if (current.some((each) => isLive(tree, each, now))) return logged;
  const ranks = current
    .filter(({ isReplaced }) => isReplaced !== true)
    .map((each) => revokedRank(tree, each))
    // Ignores an expired grant, and one that the parent itself revoked: neither shows whether an ancestor was cut off.
    .filter((rank) => rank > 0);
  return ranks.length === 0 ? logged : Math.max(logged, Math.min(...ranks));
};

/** Whether a grant came through the same accounts as the grant that the account took last. */
const isCurrent = ({ ancestors = [] }: Tree, held: HeldGrant): boolean => {
  const links = linksOf(held);
  return (
    held.status !== 'superseded' &&
    links.length === ancestors.length &&
    links.every((link, at) => issuerOf(link) === ancestors[at])
  );
};

/** The rank of the highest ancestor that revoked one of the links of a grant; -1 without one. */
const revokedRank = ({ answers }: Tree, held: HeldGrant): number =>
  linksOf(held).findLastIndex(({ hash }) => answers[hash]?.status === 'revoked');

/**
 * Whether `by` may replace what `writer` wrote for this account: accounts between the two cannot undo what a higher ancestor wrote. A
 * former ancestor has no say.
 */
export const mayReplace = (
  state: AccountState,
  by: AccountId | undefined,
  writer: AccountId | undefined,
): boolean => {
  if (by === undefined || writer === undefined || by === writer) return true;
  const ranks = [state.account, ...ancestorsOf(state)];
  return ranks.indexOf(by) >= ranks.indexOf(writer);
};

/** A higher ancestor that sends the same command becomes the writer, so that accounts between the two cannot lift the status. */
export const isRaised = (
  state: AccountState,
  by: AccountId | undefined,
  writer: AccountId | undefined,
): boolean => by !== undefined && by !== writer && mayReplace(state, by, writer);

/** How the account `by` is related to this one. */
export const relationOf = (state: AccountState, by: AccountId, now: Seconds): Relation => ({
  verdict: 'found',
  relation: relationTo(state, by, now),
  hasParent: hasParent(state),
  exists: exists(state),
});
