import { attenuationFault } from '../../../src/policy/grant.ts';
import type {
  CommandFieldFault,
  CommandVerdict,
} from '../../../src/protocol/account/command-verdict.ts';
import type { AccountCommand } from '../../../src/protocol/account/command.ts';
import type { SignedGrant } from '../../../src/protocol/account/grant.ts';
import { put } from '../../store/noun.ts';
import { type Context, type Decision, unstored } from '../decision.ts';
import { type AccountState, hasPaid, isKnown } from '../state.ts';
import { grantStatus } from '../tree/authority-over.ts';
import {
  delegateOf,
  isRevokedId,
  ISSUED_GRANT,
  issuedById,
  issuedCount,
  issuedGrant,
  type IssuedGrant,
  isZero,
  linksOf,
} from '../tree/grants.ts';
import {
  ASK_ANCESTORS,
  type AskAncestors,
  changedTree,
  done,
  grantEvidence,
  logged,
  refused,
  wrong,
} from './command-answer.ts';

/** The longest chain of grants (`docs/wire-format.md`). */
const MAX_CHAIN = 3;
/** How many grants an account may issue that no account has paid for here. */
const MAX_UNPAID = 256;

type Issue = Extract<AccountCommand, { readonly kind: 'issue' }>;
type Accept = Extract<AccountCommand, { readonly kind: 'accept' }>;

/**
 * The issuer's part of a registration: may it issue this grant, and does the grant stay within the issuer's own grant
 * (`docs/wire-format.md`)?
 */
export const issue = (
  state: AccountState,
  { grant, facts, consent }: Issue,
  context: Context,
  hasAsked: boolean,
): Decision<CommandVerdict | AskAncestors> => {
  const { delegation, hash } = grant;
  // Law 12: anyone can sign a grant; only an account that has shown money may cost a row.
  if (!isKnown(state) && (facts?.balance ?? 0n) === 0n) {
    return refused(state, { reason: 'penniless', field: 'delegation.issuer' });
  }
  // One unit in a wallet must not buy an unlimited number of rows.
  if (!hasPaid(state) && issuedCount(context.read) >= MAX_UNPAID) {
    const expected = `an account that has paid here, beyond ${MAX_UNPAID} grants`;
    return refused(state, wrong('issuer', expected, 'none'));
  }
  const death = deathOf(state, delegation, context);
  if (death !== undefined) return refused(state, death);
  const twin = issuedById(context.read, delegation.id);
  if (twin !== undefined && twin.grant.hash !== hash) {
    return refused(state, { reason: 'already_registered', field: 'delegation.id' });
  }
  const parents = parentChain(state, grant, context, hasAsked);
  if ('verdict' in parents) return parents;
  const { chain } = parents;
  if (twin !== undefined)
    return consent ? accepted(state, twin, chain, context) : done(state, false, { chain });
  const issued: IssuedGrant = {
    grant,
    child: delegateOf(grant),
    status: consent ? 'active' : 'offered',
    registeredAt: context.now,
  };
  const next = changedTree(
    state,
    {},
    {
      type: 'grant.issued',
      decision: consent ? 'active' : 'offered',
      evidence: grantEvidence(grant),
    },
    context,
    { chain },
  );
  return { ...next, writes: [...next.writes, put(ISSUED_GRANT, issued)] };
};

/** The issuer's part of a later consent: whether the offered grant is still live. */
export const accept = (
  state: AccountState,
  { hash, delegate }: Accept,
  context: Context,
  hasAsked: boolean,
): Decision<CommandVerdict | AskAncestors> => {
  const issued = issuedGrant(context.read, hash);
  // Any account's intent may name any grant; only the delegate may accept it.
  if (issued?.child !== delegate) return refused(state, { reason: 'unknown_grant', field: 'hash' });
  const { delegation } = issued.grant;
  // An account that consents to an expired grant could never call again: it would then need a grant, and have no live one.
  if (BigInt(context.now) >= delegation.validUntil) {
    const { validUntil } = delegation;
    return refused(state, wrong('validUntil', `> ${context.now}`, validUntil.toString()));
  }
  const death = deathOf(state, delegation, context);
  if (death !== undefined) return refused(state, death);
  const parents = parentChain(state, issued.grant, context, hasAsked);
  return 'verdict' in parents ? parents : accepted(state, issued, parents.chain, context);
};

const accepted = (
  state: AccountState,
  issued: IssuedGrant,
  chain: readonly SignedGrant[],
  context: Context,
): Decision<CommandVerdict> => {
  const { grant, status, child } = issued;
  const more = { chain, grant };
  if (status !== 'offered') return done(state, false, more);
  // The delegate's own log has its signature.
  const outcome = { grant: grant.hash, delegate: child };
  const next = logged(state, { type: 'grant.accepted', outcome }, context, more);
  return { ...next, writes: [...next.writes, put(ISSUED_GRANT, { ...issued, status: 'active' })] };
};

/** Why an issuer's grant allows nothing any more, whatever its ancestors' statuses are. */
const deathOf = (
  { tree: { status, epochFloor } }: AccountState,
  { id, epoch }: SignedGrant['delegation'],
  context: Context,
): CommandFieldFault | undefined => {
  if (status !== 'active') return wrong('issuer', 'an active account', status);
  if (isRevokedId(context.read, id)) return { reason: 'grant_revoked', field: 'delegation.id' };
  return epoch < BigInt(epochFloor)
    ? { reason: 'grant_revoked', field: 'delegation.epoch' }
    : undefined;
};

type ParentChain = { readonly chain: readonly SignedGrant[] };

const parentChain = (
  state: AccountState,
  { delegation }: SignedGrant,
  context: Context,
  hasAsked: boolean,
): ParentChain | Decision<CommandVerdict | AskAncestors> => {
  const refuse = (field: string, expected: string, got: string): Decision<CommandVerdict> =>
    refused(state, wrong(field, expected, got));
  if (isZero(delegation.parent)) {
    // Attack: an account that holds a grant issues one as if it were an owner. That would take its branch out of every ancestor's limit
    // (law 6).
    return state.tree.governed
      ? refuse('parent', 'the hash of a grant that the issuer holds', delegation.parent)
      : { chain: [] };
  }
  const parent = state.held.find(({ grant }) => grant.hash === delegation.parent);
  if (parent === undefined) {
    return refused(state, { reason: 'unknown_grant', field: 'delegation.parent' });
  }
  const own = parent.grant.delegation;
  const chain = linksOf(parent);
  const dead = chain.some(({ hash }) => {
    const known = state.leases[hash]?.status;
    return known === 'revoked' || known === 'unknown';
  });
  // The issuer has just answered about its epoch and parent.
  const judged = { ...own, epoch: BigInt(state.tree.epochFloor), parent: '0x0' } as const;
  const status =
    parent.status !== 'active' || dead ? 'revoked' : grantStatus(state, judged, 'active', context);
  if (status !== 'active') return refuse('parent', 'a live grant', status);
  if (chain.length >= MAX_CHAIN) {
    return refuse('parent', `a chain of at most ${MAX_CHAIN} grants`, `${chain.length + 1}`);
  }
  const fault = attenuationFault(own, parent.grant.hash, delegation);
  if (fault !== undefined) return refuse(fault.field, fault.expected, fault.got);
  // Attack: a cycle. An account would be its own ancestor, and wait for itself.
  const isAncestor = chain.some((link) => link.delegation.issuer === delegation.delegate);
  if (isAncestor) {
    return refuse('delegate', 'an account that is no ancestor of the issuer', delegation.delegate);
  }
  // Checked last, so that an invalid grant costs no request.
  return hasAsked ? { chain } : unstored(state, ASK_ANCESTORS);
};
