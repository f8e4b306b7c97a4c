import { MAX_STORED } from '../../src/core/amount.ts';
import type { Json } from '../../src/audit/entry.ts';
import { revocationFields } from '../../src/intent/agent-revocation.ts';
import { parsePolicy, policyHash, policyJson } from '../../src/policy/schema.ts';
import { type Context, type Decision, unchanged } from './decision.ts';
import { type Hear, issue, take } from './enrolment.ts';
import { type AccountState, hasPaid, isKnown } from './state.ts';
import { changedTree, done, refused } from './tree-change.ts';
import type { Governed, TreeOrder } from './tree-contract.ts';
import type { HeldGrant } from './tree.ts';

type Order<Kind extends TreeOrder['kind']> = Extract<TreeOrder, { readonly kind: Kind }>;

/**
 * Takes an order that concerns the account's place in a tree. Pure, and idempotent: each may come twice.
 *
 * @param hasHeard whether those above were asked just now; an order that needs their word asks for it when all else is right.
 */
export const govern = (
  state: AccountState,
  order: TreeOrder,
  context: Context,
  hasHeard = false,
): Decision<Governed | Hear> => {
  switch (order.kind) {
    case 'issue':
      return issue(state, order, context, hasHeard);
    case 'take':
      return take(state, order, context, hasHeard);
    case 'revoke':
      return revoke(state, order, context);
    case 'status':
      return setStatus(state, order, context);
    case 'policy':
      return setPolicy(state, order, context);
    case 'default':
      return setDefault(state, order, context);
    // A newer Worker may know kinds that this object does not.
    default:
      return unchanged(state, { verdict: 'unavailable' });
  }
};

/**
 * A revocation by whoever issued the grant, or by its holder. An id is dead for ever, also one that nobody has registered yet; an epoch
 * kills everything that was issued below it. Replaying one changes nothing (design §4.5).
 */
const revoke = (
  state: AccountState,
  { revocation, hash, signature, facts }: Order<'revoke'>,
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
    evidence: { revocation: revocationFields(revocation) as Json, hash, signature },
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
  const governed = held.some(({ status }) => status !== 'declined');
  const next = changedTree(
    { ...state, held },
    { governed: state.tree.governed && (governed || held.length === 0) },
    entry,
    context,
  );
  return {
    ...next,
    revoked: [id],
    issued: issued === undefined ? [] : [{ ...issued, status: 'revoked' }],
    held: held.filter((each, at) => each !== state.held[at]),
  };
};

/** What is revoked stays so; anything else may follow anything else. Calls that run may end. */
const setStatus = (
  state: AccountState,
  { status, order }: Order<'status'>,
  context: Context,
): Decision<Governed> => {
  const now = state.tree.status;
  if (now === status) return done(state, false);
  if (now === 'revoked') {
    return refused(state, {
      reason: 'grant_refused',
      field: 'status',
      expected: 'revoked, which is for ever',
      got: status,
    });
  }
  return changedTree(
    state,
    { status },
    { type: 'account.status', decision: status, evidence: evidenceOf(order) },
    context,
  );
};

const setPolicy = (
  state: AccountState,
  { slot, document, order }: Order<'policy'>,
  context: Context,
): Decision<Governed> => {
  const known = state.tree[slot];
  const entry = (policy: Json) => ({
    type: 'account.policy' as const,
    decision: slot,
    evidence: { ...evidenceOf(order), policy },
  });
  if (document === null) {
    if (known === undefined) return done(state, false);
    const { [slot]: _, ...tree } = state.tree;
    return changedTree({ ...state, tree }, {}, entry(null), context);
  }
  const parsed = parsePolicy(document);
  if (!parsed.ok) {
    const [fault] = parsed.error;
    return refused(state, {
      reason: 'malformed_policy',
      field: fault?.field ?? '',
      hint: fault?.reason ?? 'is not a policy',
    });
  }
  const hash = policyHash(parsed.value);
  if (known?.hash === hash) return done(state, false);
  const written = { policy: parsed.value, hash };
  return changedTree(
    state,
    { [slot]: written },
    entry(policyJson(written.policy) as Json),
    context,
  );
};

const setDefault = (
  state: AccountState,
  { grant, order }: Order<'default'>,
  context: Context,
): Decision<Governed> => {
  const known = state.held.find((each) => each.grant.hash === grant);
  if (known?.status !== 'active') {
    return refused(state, { reason: 'unknown_grant', field: 'grant' });
  }
  if (state.tree.defaultGrant === grant) return done(state, false);
  const evidence = { ...evidenceOf(order), grant };
  return changedTree(state, { defaultGrant: grant }, { type: 'grant.default', evidence }, context);
};

const evidenceOf = ({
  fields,
  signature,
}: Order<'status'>['order']): {
  readonly [key: string]: Json;
} => ({ order: fields, signature });
