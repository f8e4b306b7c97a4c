import type { CommandVerdict } from '../../../src/protocol/account/command-verdict.ts';
import type { AccountCommand } from '../../../src/protocol/account/command.ts';
import { MAX_STORED } from '../../../src/protocol/amount.ts';
import type { Json } from '../../../src/protocol/entry.ts';
import { revocationFields } from '../../../src/protocol/intent/agent-revocation.ts';
import { put } from '../../store/noun.ts';
import { checkedAt } from '../call/evidence.ts';
import type { Context, Decision } from '../decision.ts';
import { type AccountState, hasPaid, isKnown } from '../state.ts';
import {
  HELD_GRANT,
  type HeldGrant,
  isRevokedId,
  ISSUED_GRANT,
  issuedById,
  issuedCount,
  REVOKED_GRANT,
} from '../tree/grants.ts';
import { changedTree, done, refused } from './command-answer.ts';

type RevokeCommand = Extract<AccountCommand, { readonly kind: 'revoke' }>;

/**
 * A revocation by the issuer of a grant, or by its holder. An id is revoked for ever, even if it was never registered here; an epoch
 * revokes every grant of a lower epoch. A replay changes nothing.
 */
export const revoke = (
  state: AccountState,
  { revocation, hash, signature, contractCheckedAt, facts }: RevokeCommand,
  context: Context,
): Decision<CommandVerdict> => {
  // As for issuing, only an account that holds money may cost a row (law 12). Without facts, the gateway reads them from the chain and
  // sends the command again.
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
    // Law 12: an account that has issued nothing and never paid has nothing to revoke.
    if (!hasPaid(state) && issuedCount(context.read) === 0) {
      return refused(state, { reason: 'unknown_grant', field: 'revocation.epoch' });
    }
    return floor <= state.tree.epochFloor
      ? done(state, false)
      : changedTree(state, { epochFloor: floor }, entry, context);
  }
  if (isRevokedId(context.read, id)) return done(state, false);
  const issued = issuedById(context.read, id);
  const isHeld = state.held.some(({ grant }) => grant.delegation.id === id);
  // Law 12: an account that has paid may revoke an id that is not registered yet; for any other account an unknown id writes no row.
  if (!hasPaid(state) && issued === undefined && !isHeld) {
    return refused(state, { reason: 'unknown_grant', field: 'revocation.id' });
  }
  // A holder that gives up its grant stays governed: an account that has consented never counts as a stranger again (law 8).
  const held = state.held.map((each): HeldGrant =>
    each.grant.delegation.id === id && each.status === 'active'
      ? { ...each, status: 'revoked' }
      : each,
  );
  const decision = changedTree({ ...state, held }, {}, entry, context);
  return {
    ...decision,
    writes: [
      ...decision.writes,
      put(REVOKED_GRANT, { id }),
      ...(issued === undefined ? [] : [put(ISSUED_GRANT, { ...issued, status: 'revoked' })]),
      ...held.filter((each, at) => each !== state.held[at]).map((each) => put(HELD_GRANT, each)),
    ],
  };
};
