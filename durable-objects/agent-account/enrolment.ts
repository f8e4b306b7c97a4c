import type { AccountId } from '../../src/core/account-id.ts';
import type { Json } from '../../src/audit/entry.ts';
import { delegationFields } from '../../src/intent/agent-delegation.ts';
import { attenuationFault } from '../../src/policy/attenuation.ts';
import { isStopped } from './account-status.ts';
import { addressOf, compiled, issuerOf } from './authority.ts';
import { type Context, type Decision, unchanged } from './decision.ts';
import { checkedAt } from './evidence.ts';
import { withoutWebhooks } from './documents.ts';
import { evidenceOf as consentEvidence } from './evidence.ts';
import { grantStatus } from './issued.ts';
import { sliceEnd } from './slices.ts';
import {
  type HeldGrant,
  isLive,
  isRevoked,
  type IssuedGrant,
  isZero,
  linksOf,
  outstandingOf,
} from './tree.ts';
import { type AccountState, hasPaid, isKnown } from './state.ts';
import { changedTree, done, noted, refused } from './tree-change.ts';
import type { Governed, SignedGrant, TreeFault, TreeOrder } from './tree-contract.ts';

/** Grants that may stand on each other (design §4.5). */
const MAX_CHAIN = 3;
/** Grants that an account may issue that has never paid here, nor anybody for it. */
const MAX_UNPAID = 256;
/** Grants that one account may hold at a time. */
const MAX_HELD = 16;

type Issue = Extract<TreeOrder, { readonly kind: 'issue' }>;
type Accept = Extract<TreeOrder, { readonly kind: 'accept' }>;
type Take = Extract<TreeOrder, { readonly kind: 'take' }>;

/** Those above must be heard before this can be decided. */
export type Hear = { readonly verdict: 'hear' };

const HEAR: Hear = { verdict: 'hear' };

/** The issuer's part of a registration: is it its to give, and no wider than what it has itself (docs/wire-format.md). */
export const issue = (
  state: AccountState,
  { grant, facts, consent }: Issue,
  context: Context,
  hasHeard: boolean,
): Decision<Governed | Hear> => {
  const { delegation, hash } = grant;
  // Law 12: anybody can sign a grant; only who has shown money anywhere may cost us a row.
  if (!isKnown(state) && facts.balance === 0n) {
    return refused(state, { reason: 'penniless', field: 'delegation.issuer' });
  }
  // One unit in a wallet is no reason to store any number of rows.
  if (!hasPaid(state) && context.issuedCount() >= MAX_UNPAID) {
    const expected = `an account that has paid here, beyond ${MAX_UNPAID} grants`;
    return refused(state, wrong('issuer', expected, 'none'));
  }
  const death = deathOf(state, delegation, context);
  if (death !== undefined) return refused(state, death);
  const twin = context.issuedById(delegation.id);
  if (twin !== undefined && twin.grant.hash !== hash) {
    return refused(state, { reason: 'already_registered', field: 'delegation.id' });
  }
  const above = chainAbove(state, grant, context, hasHeard);
  if ('verdict' in above) return above;
  const { chain } = above;
  if (twin !== undefined)
    return consent ? accepted(state, twin, chain, context) : done(state, false, { chain });
  const issued: IssuedGrant = {
    grant,
    child: accountOf(grant),
    status: consent ? 'active' : 'offered',
    registeredAt: context.now,
  };
  const next = changedTree(
    state,
    {},
    { type: 'grant.issued', decision: issued.status, evidence: evidenceOf(grant) },
    context,
  );
  return { ...next, issued: [issued], verdict: verdictOf(next.state.tree.revision, { chain }) };
};

/** The issuer's part of a consent that comes after the registration: whether what it has offered still lives. */
export const accept = (
  state: AccountState,
  { hash, delegate }: Accept,
  context: Context,
  hasHeard: boolean,
): Decision<Governed | Hear> => {
  const issued = context.issuedGrant(hash);
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
  const above = chainAbove(state, issued.grant, context, hasHeard);
  return 'verdict' in above ? above : accepted(state, issued, above.chain, context);
};

const accepted = (
  state: AccountState,
  issued: IssuedGrant,
  chain: readonly SignedGrant[],
  context: Context,
): Decision<Governed> => {
  const { grant, status, child } = issued;
  const more = { chain, grant };
  if (status !== 'offered') return done(state, false, more);
  // What the delegate signed is in its own log.
  const outcome = { grant: grant.hash, delegate: child };
  const next = noted(state, { type: 'grant.accepted', outcome }, context, more);
  return { ...next, issued: [{ ...issued, status: 'active' }] };
};

/** Why an issuer may let no one use a grant any more, whatever stands above it. */
const deathOf = (
  { tree: { status, epochFloor } }: AccountState,
  { id, epoch }: SignedGrant['delegation'],
  context: Context,
): TreeFault | undefined => {
  if (status !== 'active') return wrong('issuer', 'an active account', status);
  if (context.isRevoked(id)) return { reason: 'grant_revoked', field: 'delegation.id' };
  return epoch < BigInt(epochFloor)
    ? { reason: 'grant_revoked', field: 'delegation.epoch' }
    : undefined;
};

type Above = { readonly chain: readonly SignedGrant[] };

const chainAbove = (
  state: AccountState,
  { delegation }: SignedGrant,
  context: Context,
  hasHeard: boolean,
): Above | Decision<Governed | Hear> => {
  const refuse = (field: string, expected: string, got: string): Decision<Governed> =>
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
  return hasHeard ? { chain } : unchanged(state, HEAR);
};

/**
 * The delegate's part, with its consent: from now on it is governed, and its calls stand on this grant unless they name another one.
 *
 * Attack: without the consent anybody could stop a customer's calls, and read its log, with a grant of nothing.
 */
export const take = (
  state: AccountState,
  { grant, chain, consent }: Take,
  context: Context,
  hasHeard: boolean,
): Decision<Governed | Hear> => {
  const { tree, held, account } = state;
  const { delegation, hash } = grant;
  const refuse = (field: string, expected: string, got: string): Decision<Governed> =>
    refused(state, wrong(field, expected, got));
  const issuer = issuerOf(grant);
  if (accountOf(grant) !== account) return refuse('delegate', account, delegation.delegate);
  const known = held.find((each) => each.grant.hash === hash);
  if (context.isRevoked(delegation.id) || known?.status === 'revoked') {
    return refused(state, { reason: 'grant_revoked', field: 'delegation.id' });
  }
  if (known?.status === 'active') return done(state, false);
  // Replay: the holder has left this parent since. A captured consent must not bring it back.
  if (known?.consent === consent.call) {
    return refuse('delegate', 'a consent that has not been used', consent.call);
  }
  if (context.ownsOthers()) {
    return refuse('delegate', 'an account that has issued no grants as an owner', account);
  }
  const moves = tree.governed && tree.parent !== undefined && tree.parent !== issuer;
  if (moves) {
    if (!hasHeard) return unchanged(state, HEAR);
    // A key that was cut off must not find itself a new owner (law 8).
    if (held.some((each) => isCutOff(state, each)) || isStopped(state)) {
      return refuse('issuer', addressOf(tree.parent) ?? '', delegation.issuer);
    }
    if (holdsLeases(state, context)) {
      return refused(state, { reason: 'holds_leases', field: 'delegation.issuer' });
    }
  }
  const above = [grant, ...chain].map(issuerOf);
  // Nor may its manager, who finds himself a new owner, take it away from the one that has stopped it.
  const stopper = isStopped(state) ? tree.ownerStatus?.by : undefined;
  if (stopper !== undefined && !above.includes(stopper)) {
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
    consent: consent.call,
    // Two of one second keep their order: which one is the last must not change while the account sleeps.
    registeredAt: Math.max(context.now, ...held.map((each) => each.registeredAt + 1)),
  };
  const kept = held
    .filter((each) => each.grant.hash !== hash)
    .map((each) =>
      moves && each.status === 'active' ? { ...each, status: 'superseded' as const } : each,
    );
  const next = changedTree(
    { ...state, held: [...kept, taken] },
    { governed: true, parent: issuer, above, defaultGrant: hash },
    {
      type: 'grant.taken',
      evidence: { ...evidenceOf(grant), consent: consentEvidence(consent) },
      // Who reads this account's log alone must learn whom it hangs below, nearest first.
      outcome: { above },
    },
    context,
  );
  if (!moves) return { ...next, held: [taken] };
  const left = withoutWebhooks(next.state, evidenceOf(grant), context);
  return { ...next, ...left, loose: [...next.loose, ...left.loose], held: [...kept, taken] };
};

const isCutOff = ({ tree }: AccountState, held: HeldGrant): boolean =>
  held.status !== 'superseded' && isRevoked(tree, held);

/** Whether money from above is still in use here, or a lease lives. */
const holdsLeases = ({ leases, tree }: AccountState, { now }: Context): boolean =>
  Object.values(leases).some(({ until, status }) => status === 'active' && now < until) ||
  Object.values(tree.books).some((book) =>
    // What is left of a period that has ended is nobody's.
    Object.entries(book).some(
      ([name, slice]) => now < sliceEnd(name, slice) && outstandingOf(slice) > slice.spent,
    ),
  );

const accountOf = (grant: SignedGrant): AccountId =>
  `eip155:${grant.chainId}:${grant.delegation.delegate}`;

/** The grant as it was signed: what makes it checkable without trusting us (law 11). */
const evidenceOf = (grant: SignedGrant): { readonly [key: string]: Json } => ({
  grant: grant.hash,
  delegation: delegationFields(grant.delegation),
  signature: grant.signature,
  ...checkedAt(grant),
});

const wrong = (field: string, expected: string, got: string): TreeFault => ({
  ...{ reason: 'grant_refused', field: `delegation.${field}`, expected, got },
});

const verdictOf = (
  revision: number,
  more: Partial<Extract<Governed, { readonly verdict: 'governed' }>>,
): Governed => ({
  verdict: 'governed',
  changed: true,
  revision,
  acknowledged: [],
  silent: [],
  ...more,
});
