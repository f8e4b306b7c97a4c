import type { AccountId } from '../../../src/protocol/account-id.ts';
import type { Relation } from '../../../src/protocol/account/relation.ts';
import { type AccountState, isKnown } from '../state.ts';
import { linksOf } from './held-grant.ts';

/**
 * The accounts above this one, nearest first, as the grant says that it consented to last: also when that grant was revoked or has
 * expired. An owner must be able to read, and to stop, an agent whose grant it took back (law 8). An account whose grant is an offer
 * is not above: `take` alone writes this, and wants the holder's signature.
 */
export const aboveOf = ({ tree }: Pick<AccountState, 'tree'>): readonly AccountId[] =>
  tree.ancestors ?? [];

/** Whether an account above may have a say. One that consented to no grant stands for itself. */
export const hasParent = ({ tree }: Pick<AccountState, 'tree'>): boolean =>
  tree.governed && tree.parent !== undefined;

/** Whether anything was ever written here. */
export const exists = (state: AccountState): boolean => isKnown(state) || state.head.seq > 0;

export const relationTo = (
  state: AccountState,
  by: AccountId,
): Extract<Relation, { readonly verdict: 'found' }>['relation'] => {
  if (by === state.account) return 'self';
  const rank = aboveOf(state).indexOf(by);
  return rank < 0 || isCutOffAt(state, rank) ? 'none' : 'ancestor';
};

/** Whoever was cut off by somebody above him has no say below either, as soon as that is heard here: a leaked key must be worth nothing. */
const isCutOffAt = ({ tree, held }: AccountState, rank: number): boolean => {
  const last = held.findLast(({ issuer }) => issuer === tree.parent);
  const own = last === undefined ? [] : linksOf(last).slice(rank + 1);
  return own.some(({ hash }) => tree.answers[hash]?.status === 'revoked');
};

/**
 * Whether `by` may replace what `writer` wrote for this account: what an account higher up has written, those between cannot undo.
 * Somebody who is above no more has no say.
 */
export const mayReplace = (
  state: AccountState,
  by: AccountId | undefined,
  writer: AccountId | undefined,
): boolean => {
  if (by === undefined || writer === undefined || by === writer) return true;
  const ranks = [state.account, ...aboveOf(state)];
  return ranks.indexOf(by) >= ranks.indexOf(writer);
};

/** Whoever stands higher and orders the same makes it his: those between must not lift it any more. */
export const isRaised = (
  state: AccountState,
  by: AccountId | undefined,
  writer: AccountId | undefined,
): boolean => by !== undefined && by !== writer && mayReplace(state, by, writer);
