import type { CommandVerdict } from '../../../src/protocol/account/command-verdict.ts';
import type { AccountCommand } from '../../../src/protocol/account/command.ts';
import { put } from '../../store/noun.ts';
import { callEvidence } from '../call/evidence.ts';
import { type Context, type Decision, unstored } from '../decision.ts';
import type { AccountState } from '../state.ts';
import {
  addressOf,
  compiled,
  delegateOf,
  HELD_GRANT,
  type HeldGrant,
  isLive,
  isRevoked,
  isRevokedId,
  issuerOf,
  ownsOthers,
} from '../tree/grants.ts';
import { outstandingOf, shareEnd } from '../tree/share.ts';
import { isStopped } from './account-status.ts';
import {
  ASK_ANCESTORS,
  type AskAncestors,
  changedTree,
  done,
  grantEvidence,
  refused,
  wrong,
} from './command-answer.ts';
import { withoutWebhooks } from './put-document.ts';

/** Grants that one account may hold at a time. */
const MAX_HELD = 16;

type Take = Extract<AccountCommand, { readonly kind: 'take' }>;

/**
 * The delegate's part of a registration, with its consent: from now on the account is governed, and its calls use this grant unless they
 * name another one.
 *
 * Attack: without the consent, a grant of nothing could stop a customer's calls and let the issuer read its log.
 */
export const take = (
  state: AccountState,
  { grant, chain, consent }: Take,
  context: Context,
  hasAsked: boolean,
): Decision<CommandVerdict | AskAncestors> => {
  const { tree, held, account } = state;
  const { delegation, hash } = grant;
  const refuse = (field: string, expected: string, got: string): Decision<CommandVerdict> =>
    refused(state, wrong(field, expected, got));
  const issuer = issuerOf(grant);
  if (delegateOf(grant) !== account) return refuse('delegate', account, delegation.delegate);
  const known = held.find((each) => each.grant.hash === hash);
  if (isRevokedId(context.read, delegation.id) || known?.status === 'revoked') {
    return refused(state, { reason: 'grant_revoked', field: 'delegation.id' });
  }
  if (known?.status === 'active') return done(state, false);
  // Replay: the holder has left this parent since. A captured consent must not bring it back.
  if (known?.consent === consent.id) {
    return refuse('delegate', 'a consent that has not been used', consent.id);
  }
  if (ownsOthers(context.read)) {
    return refuse('delegate', 'an account that has issued no grants as an owner', account);
  }
  const moves = tree.governed && tree.parent !== undefined && tree.parent !== issuer;
  // Race: the account learned of the revocation after the issuer had answered. The ancestors that the grant names were already cut off.
  const isDead = [grant, ...chain].some((link) => tree.answers[link.hash]?.status === 'revoked');
  if ((moves || isDead) && !hasAsked) return unstored(state, ASK_ANCESTORS);
  if (isDead) return refused(state, { reason: 'grant_revoked', field: 'delegation.parent' });
  if (moves) {
    // Attack: a key that was cut off must not choose a new owner (law 8).
    if (held.some((each) => isCutOff(tree, each)) || isStopped(state)) {
      return refuse('issuer', addressOf(tree.parent) ?? '', delegation.issuer);
    }
    if (holdsLeases(state, context)) {
      return refused(state, { reason: 'holds_leases', field: 'delegation.issuer' });
    }
  }
  const ancestors = [grant, ...chain].map(issuerOf);
  // Attack: a manager with a new owner of its own must not take the account from the ancestor that has stopped it.
  const stopper = isStopped(state) ? tree.ownerStatus?.by : undefined;
  if (stopper !== undefined && !ancestors.includes(stopper)) {
    return refuse('parent', `a grant from below ${stopper}`, delegation.parent);
  }
  const live = held.filter((each) => isLive(tree, each, context.now));
  if (!moves && live.length >= MAX_HELD) {
    return refuse('delegate', `an account that holds at most ${MAX_HELD} grants`, `${live.length}`);
  }
  const taken: HeldGrant = {
    grant,
    chain,
    issuer,
    policy: compiled(grant),
    status: 'active',
    consent: consent.id,
    // Two grants taken in the same second keep their order, even after the object was evicted.
    registeredAt: Math.max(context.now, ...held.map((each) => each.registeredAt + 1)),
  };
  const kept = held
    .filter((each) => each.grant.hash !== hash)
    .map((each) => formerGrant(tree, each, moves));
  const next = changedTree(
    { ...state, held: [...kept, taken] },
    { governed: true, parent: issuer, ancestors, cutOff: undefined, defaultGrant: hash },
    {
      type: 'grant.taken',
      evidence: { ...grantEvidence(grant), consent: callEvidence(consent) },
      // Recorded for offline auditors: the account's ancestors, nearest first.
      outcome: { above: ancestors },
    },
    context,
  );
  const grants = [...kept.filter((each) => !held.includes(each)), taken];
  const writes = [...next.writes, ...grants.map((each) => put(HELD_GRANT, each))];
  if (!moves) return { ...next, writes };
  const left = withoutWebhooks(next.state, grantEvidence(grant), context);
  return {
    ...next,
    state: left.state,
    writes: [...writes, ...left.writes],
    entries: [...next.entries, ...left.entries],
  };
};

/** A held grant after the account has taken a later one. */
const formerGrant = (tree: AccountState['tree'], held: HeldGrant, moves: boolean): HeldGrant => {
  if (moves && held.status === 'active') return { ...held, status: 'superseded' };
  return isCutOff(tree, held) && held.isReplaced !== true ? { ...held, isReplaced: true } : held;
};

const isCutOff = (tree: AccountState['tree'], held: HeldGrant): boolean =>
  held.status !== 'superseded' && isRevoked(tree, held);

/** Whether an ancestor's money is still in use here, or a lease is live. */
const holdsLeases = ({ leases, tree }: AccountState, { now }: Context): boolean =>
  Object.values(leases).some(({ until, status }) => status === 'active' && now < until) ||
  Object.values(tree.shares).some((book) =>
    // An ended period leaves nothing to return.
    Object.entries(book).some(
      ([name, share]) => now < shareEnd(name, share) && outstandingOf(share) > share.spent,
    ),
  );
