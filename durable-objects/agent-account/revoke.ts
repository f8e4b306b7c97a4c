import { MAX_STORED } from '../../src/core/amount.ts';
import type { Entry, Json } from '../../src/audit/entry.ts';
import type { AccountId } from '../../src/core/account-id.ts';
import { revocationFields } from '../../src/intent/agent-revocation.ts';
import { withoutOwnerStatus } from './account-status.ts';
import { hasAgreed } from './ancestry.ts';
import { type Context, type Decision, unchanged } from './decision.ts';
import { checkedAt } from './evidence.ts';
import { type AccountState, hasPaid, isKnown } from './state.ts';
import { changedTree, done, noted, refused } from './tree-change.ts';
import type { Governed, TreeOrder } from './tree-contract.ts';
import type { HeldGrant } from './tree.ts';

type Order = Extract<TreeOrder, { readonly kind: 'revoke' }>;

/**
 * A revocation by whoever issued the grant, or by its holder. An id is dead for ever, also one that nobody has registered yet; an epoch
 * kills everything that was issued below it. Replaying one changes nothing (design §4.5).
 */
export const revoke = (
  state: AccountState,
  { revocation, hash, signature, contractCheckedAt, facts }: Order,
  context: Context,
): Decision<Governed> => {
  // A key does not count for an account that has code (§4.7), and nobody could say whether it has.
  if (facts === undefined && state.hasCode) return unchanged(state, { verdict: 'unavailable' });
  // Law 12: as for issuing.
  if (!isKnown(state) && (facts?.balance ?? 0n) === 0n) {
    return refused(state, { reason: 'penniless', field: 'revocation.issuer' });
  }
  const entry = {
    type: 'grant.revoked' as const,
    evidence: {
      revocation: revocationFields(revocation) as Json,
      hash,
      signature,
      ...checkedAt({ contractCheckedAt }),
    },
  };
  const { id, epoch } = revocation;
  if (epoch > 0n) {
    const floor = Number(epoch < MAX_STORED ? epoch : MAX_STORED);
    // Law 12: as below, who has issued nothing and never paid has nothing to revoke.
    if (!hasPaid(state) && context.issuedCount() === 0) {
      return refused(state, { reason: 'unknown_grant', field: 'revocation.epoch' });
    }
    return floor <= state.tree.epochFloor
      ? done(state, false)
      : changedTree(state, { epochFloor: floor }, entry, context);
  }
  if (context.isRevoked(id)) return done(state, false);
  const issued = context.issuedById(id);
  const isHeld = state.held.some(({ grant }) => grant.delegation.id === id);
  // Law 12: who has paid here may revoke what nobody has registered yet; for anybody else an id that is none of its own is no row.
  if (!hasPaid(state) && issued === undefined && !isHeld) {
    return refused(state, { reason: 'unknown_grant', field: 'revocation.id' });
  }
  // Its holder gives it up: a grant that it never agreed to, and never lived on, binds it no longer.
  const held = state.held.map((each): HeldGrant => {
    if (each.grant.delegation.id !== id || each.status !== 'active') return each;
    return { ...each, status: each.taken ? 'revoked' : 'declined' };
  });
  const governed = hasAgreed(state) || held.some(({ status }) => status !== 'declined');
  const stays = state.tree.governed && (governed || held.length === 0);
  const isReleased = state.tree.governed && !stays;
  const next = changedTree(
    { ...state, held },
    { governed: stays },
    isReleased ? { ...entry, outcome: freedom(state) } : entry,
    context,
  );
  const free = isReleased ? released(next.state, entry.evidence, context) : next;
  return {
    ...next,
    state: free.state,
    loose: free === next ? next.loose : [...next.loose, ...free.loose],
    revoked: [id],
    issued: issued === undefined ? [] : [{ ...issued, status: 'revoked' }],
    held: held.filter((each, at) => each !== state.held[at]),
  };
};

/** Nothing binds of what those wrote who gave a grant that was never agreed to: anybody could stop a key for ever (§4.5). */
const released = (
  state: AccountState,
  evidence: { readonly [key: string]: Json },
  context: Context,
): { readonly state: AccountState; readonly loose: readonly Entry[] } => {
  const lifted = withoutOwnerStatus(state, evidence, context);
  const { owner, ownerBy, above: _, label: __, ...rest } = lifted.state.tree;
  if (owner === undefined || !isOthers(state, ownerBy)) {
    const tree = owner === undefined ? rest : { ...rest, owner };
    return { ...lifted, state: { ...lifted.state, tree } };
  }
  const dropped = noted(
    { ...lifted.state, tree: rest },
    { type: 'account.policy', decision: 'owner', outcome: { hash: null }, evidence },
    context,
  );
  return { state: dropped.state, loose: [...lifted.loose, ...dropped.loose] };
};

/** For who reads the log alone: whom it hangs below from now on, and what its owner, which it is itself again, had ordered. */
const freedom = (state: AccountState): { readonly [key: string]: Json } => {
  const { ownerStatus } = state.tree;
  const kept = isOthers(state, ownerStatus?.by) ? undefined : ownerStatus?.status;
  return { above: [], ...(kept === undefined ? {} : { ownerStatus: kept }) };
};

const isOthers = ({ account }: AccountState, writer: AccountId | undefined): boolean =>
  writer !== undefined && writer !== account;
