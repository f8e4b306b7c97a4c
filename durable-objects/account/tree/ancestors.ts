import type { AccountId } from '../../../src/protocol/account-id.ts';
import type { Relation } from '../../../src/protocol/account/standing.ts';
import { type AccountState, isKnown } from '../state.ts';
import { linksOf } from './grants.ts';

/**
 * The ancestors of an account, nearest first, by the grant that it took last, also after that grant was revoked or has expired: an
 * owner must still be able to read and stop an agent whose grant it revoked (law 8). An offer makes no ancestor: only `take` writes
 * this, with the holder's signature.
 */
export const ancestorsOf = ({ tree }: Pick<AccountState, 'tree'>): readonly AccountId[] =>
  tree.ancestors ?? [];

/** Whether the account has ancestors that may command it. An account without a taken grant has none. */
export const hasParent = ({ tree }: Pick<AccountState, 'tree'>): boolean =>
  tree.governed && tree.parent !== undefined;

/** Whether anything was ever stored here. */
export const exists = (state: AccountState): boolean => isKnown(state) || state.head.seq > 0;

export const relationTo = (
  state: AccountState,
  by: AccountId,
): Extract<Relation, { readonly verdict: 'found' }>['relation'] => {
  if (by === state.account) return 'self';
  const rank = ancestorsOf(state).indexOf(by);
  return rank < cutOffCount(state) ? 'none' : 'ancestor';
};

/**
 * How many of the nearest ancestors were cut off by one of their own ancestors.
 *
 * Attack: such an account must not command its descendants with a leaked key, nor read what they do.
 */
export const cutOffCount = ({ tree, held }: Pick<AccountState, 'tree' | 'held'>): number => {
  const last = held.findLast(({ issuer }) => issuer === tree.parent);
  const links = last === undefined ? [] : linksOf(last);
  const revoked = links.findLastIndex(({ hash }) => tree.answers[hash]?.status === 'revoked');
  return Math.max(tree.cutOff ?? 0, revoked);
};

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

/** A higher ancestor that commands the same becomes its writer, so that accounts between the two cannot lift it. */
export const isRaised = (
  state: AccountState,
  by: AccountId | undefined,
  writer: AccountId | undefined,
): boolean => by !== undefined && by !== writer && mayReplace(state, by, writer);

/** How the account `by` is related to this one. */
export const relationOf = (state: AccountState, by: AccountId): Relation => ({
  verdict: 'found',
  relation: relationTo(state, by),
  hasParent: hasParent(state),
  exists: exists(state),
});
