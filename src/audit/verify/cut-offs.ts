import type { Seconds } from '../../core/clock.ts';
import { type Hex, ZERO_HASH } from '../../core/hex.ts';
import type { AccountId } from '../../protocol/account-id.ts';
import type { AgentDelegation } from '../../protocol/intent/agent-delegation.ts';
import { type KnownAncestor, revokedAt, UNKNOWN } from './ancestor-claims.ts';
import { type CallPlace, SLACK } from './branches.ts';
import { revocable } from './replay/cut-off.ts';
import type { Replayed } from './replay/replay.ts';
import type { Texts } from './replay/texts.ts';
import type { Tally } from './tally.ts';

/** A cut-off that an entry names: the nearest remaining ancestor ended one of the grants that it had issued. */
export type CutOff = {
  readonly by: AccountId;
  readonly issued: readonly Hex[];
  readonly at: Seconds;
  readonly place: CallPlace;
};

/** The cut-off that a replayed entry names. */
export const cutOffIn = (
  { entry, before }: Pick<Replayed, 'entry' | 'before'>,
  place: CallPlace,
  texts: Texts,
): CutOff => ({
  by: before.above[before.cutOff] ?? entry.account,
  issued: revocable(before, texts),
  at: entry.at,
  place,
});

/**
 * Compares a cut-off with the chain of the ancestor that made it. That ancestor must have revoked a grant, been revoked itself, or given up
 * or left the grant that it holds.
 */
export const judgeCutOff = (
  { issued, at, place }: CutOff,
  known: KnownAncestor | undefined,
  texts: Texts,
  tally: Tally,
): void => {
  const grants = issued.map(texts.delegation).filter((each) => each !== undefined);
  if (known === undefined || grants.length === 0) return tally.bound(UNKNOWN);
  const isBefore = (time: Seconds | undefined): boolean => time !== undefined && time <= at + SLACK;
  const isEnded = (grant: AgentDelegation): boolean => {
    if (isBefore(revokedAt(known, grant))) return true;
    if (grant.parent === ZERO_HASH) return false;
    const parent = texts.delegation(grant.parent);
    return (
      parent === undefined ||
      isBefore(revokedAt(known, parent)) ||
      known.taken.some((each) => each.issuer !== parent.issuer && isBefore(each.at))
    );
  };
  const { starts, values } = known.statuses;
  if (isBefore(starts[values.indexOf('revoked')]) || grants.some(isEnded)) tally.prove();
  else tally.breakWith({ ...place, field: 'outcome.ancestors', reason: 'wrong_grant' });
};
