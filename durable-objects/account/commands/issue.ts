import { attenuationFault } from '../../../src/policy/attenuation.ts';
import type { Applied } from '../../../src/protocol/account/applied.ts';
import type { FieldFault } from '../../../src/protocol/account/command-fault.ts';
import type { AccountCommand } from '../../../src/protocol/account/command.ts';
import type { SignedGrant } from '../../../src/protocol/account/grant.ts';
import { put } from '../../store/noun.ts';
import { type Context, type Decision, unchanged } from '../decision.ts';
import { type AccountState, hasPaid, isKnown } from '../state.ts';
import { linksOf } from '../tree/held-grant.ts';
import {
  ISSUED_GRANT,
  issuedById,
  issuedCount,
  issuedGrant,
  type IssuedGrant,
} from '../tree/issued-grant.ts';
import { grantStatus } from '../tree/issued.ts';
import { isRevokedId } from '../tree/revoked-grant.ts';
import { delegateOf, isZero } from '../tree/signed-grant.ts';
import { ASK_ANCESTORS, type AskAncestors, grantEvidence, wrong } from './enrolment.ts';
import { changedTree, done, logged, refused } from './tree-change.ts';

/** Grants that may stand on each other (docs/wire-format.md). */
const MAX_CHAIN = 3;
/** Grants that an account may issue that has never paid here, nor anybody for it. */
const MAX_UNPAID = 256;

type Issue = Extract<AccountCommand, { readonly kind: 'issue' }>;
type Accept = Extract<AccountCommand, { readonly kind: 'accept' }>;

/** The issuer's part of a registration: is it its to give, and no wider than what it has itself (docs/wire-format.md). */
export const issue = (
  state: AccountState,
  { grant, facts, consent }: Issue,
  context: Context,
  hasAsked: boolean,
): Decision<Applied | AskAncestors> => {
  const { delegation, hash } = grant;
  // Law 12: anybody can sign a grant; only who has shown money anywhere may cost us a row.
  if (!isKnown(state) && facts.balance === 0n) {
    return refused(state, { reason: 'penniless', field: 'delegation.issuer' });
  }
  // One unit in a wallet is no reason to store any number of rows.
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
  const above = chainAbove(state, grant, context, hasAsked);
  if ('verdict' in above) return above;
  const { chain } = above;
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
    { type: 'grant.issued', decision: issued.status, evidence: grantEvidence(grant) },
    context,
    { chain },
  );
  return { ...next, writes: [...next.writes, put(ISSUED_GRANT, issued)] };
};

/** The issuer's part of a consent that comes after the registration: whether what it has offered still lives. */
export const accept = (
  state: AccountState,
  { hash, delegate }: Accept,
  context: Context,
  hasAsked: boolean,
): Decision<Applied | AskAncestors> => {
  const issued = issuedGrant(context.read, hash);
  // Another account's intent may name any grant; this one was made to its delegate.
  if (issued?.child !== delegate) return refused(state, { reason: 'unknown_grant', field: 'hash' });
  const { delegation } = issued.grant;
  // A holder that consents to what has ended would be governed for good, by nothing.
  if (BigInt(context.now) >= delegation.validUntil) {
    const { validUntil } = delegation;
    return refused(state, wrong('validUntil', `> ${context.now}`, validUntil.toString()));
  }
  const death = deathOf(state, delegation, context);
  if (death !== undefined) return refused(state, death);
  const above = chainAbove(state, issued.grant, context, hasAsked);
  return 'verdict' in above ? above : accepted(state, issued, above.chain, context);
};

const accepted = (
  state: AccountState,
  issued: IssuedGrant,
  chain: readonly SignedGrant[],
  context: Context,
): Decision<Applied> => {
  const { grant, status, child } = issued;
  const more = { chain, grant };
  if (status !== 'offered') return done(state, false, more);
  // What the delegate signed is in its own log.
  const outcome = { grant: grant.hash, delegate: child };
  const next = logged(state, { type: 'grant.accepted', outcome }, context, more);
  return { ...next, writes: [...next.writes, put(ISSUED_GRANT, { ...issued, status: 'active' })] };
};

/** Why an issuer may let no one use a grant any more, whatever stands above it. */
const deathOf = (
  { tree: { status, epochFloor } }: AccountState,
  { id, epoch }: SignedGrant['delegation'],
  context: Context,
): FieldFault | undefined => {
  if (status !== 'active') return wrong('issuer', 'an active account', status);
  if (isRevokedId(context.read, id)) return { reason: 'grant_revoked', field: 'delegation.id' };
  return epoch < BigInt(epochFloor)
    ? { reason: 'grant_revoked', field: 'delegation.epoch' }
    : undefined;
};

type Above = { readonly chain: readonly SignedGrant[] };

const chainAbove = (
  state: AccountState,
  { delegation }: SignedGrant,
  context: Context,
  hasAsked: boolean,
): Above | Decision<Applied | AskAncestors> => {
  const refuse = (field: string, expected: string, got: string): Decision<Applied> =>
    refused(state, wrong(field, expected, got));
  if (isZero(delegation.parent)) {
    // Who is governed and grants as if it were an owner would take its branch out of every limit above it (law 6).
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
  // Its epoch and its parent are for its issuer to judge, who was just asked.
  const judged = { ...own, epoch: BigInt(state.tree.epochFloor), parent: '0x0' } as const;
  const status =
    parent.status !== 'active' || dead ? 'revoked' : grantStatus(state, judged, 'active', context);
  if (status !== 'active') return refuse('parent', 'a grant that lives', status);
  if (chain.length >= MAX_CHAIN) {
    return refuse('parent', `a chain of at most ${MAX_CHAIN} grants`, `${chain.length + 1}`);
  }
  const fault = attenuationFault(own, parent.grant.hash, delegation);
  if (fault !== undefined) return refuse(fault.field, fault.expected, fault.got);
  // A cycle: an account would be its own ancestor, and wait for itself.
  const isAbove = chain.some((link) => link.delegation.issuer === delegation.delegate);
  if (isAbove) {
    return refuse('delegate', 'an account that is not above the issuer', delegation.delegate);
  }
  // Last: what is wrong in itself costs nobody a question.
  return hasAsked ? { chain } : unchanged(state, ASK_ANCESTORS);
};
