import type { Seconds } from '../../../src/core/clock.ts';
import type { Source } from '../../../src/policy/evaluate.ts';
import type { Policy } from '../../../src/policy/policy.ts';
import type { Origin, Subject } from '../../../src/policy/rule.ts';
import type { AccountId } from '../../../src/protocol/account-id.ts';
import type { SignedGrant } from '../../../src/protocol/account/grant.ts';
import type { Context } from '../decision.ts';
import type { AccountState } from '../state.ts';
import { hashOf } from './authority-over.ts';
import { limitCounters, namesOf } from './counters.ts';
import { compiled, delegateOf, type HeldGrant, issuerOf, linksOf } from './grants.ts';
import type { HeldLease } from './tree.ts';

/** Every policy that this account counts itself. */
export const ownSources = (
  state: AccountState,
  asset: Subject['asset'],
  grant: HeldGrant | undefined,
  context: Context,
): readonly Source[] => {
  const { account, tree } = state;
  const { operator, owner, ownerBy, status, repeats } = tree;
  const source = (
    key: string,
    kind: Origin['kind'],
    written: { readonly policy: Policy; readonly hash: Origin['hash'] },
    prefix: string,
    counts: Partial<Source>,
  ): Source => ({
    key,
    origin: { kind, account, hash: written.hash },
    status,
    policy: written.policy,
    counters: limitCounters(state, written.policy, asset, context.now, prefix).map(
      ({ counter }) => counter,
    ),
    ...counts,
  });
  const standard = { policy: context.policy, hash: context.policyHash };
  return [
    source('base', operator === undefined ? 'default' : 'operator', operator ?? standard, '', {
      arrival: state.arrival,
      repeats: repeats['base'] ?? {},
    }),
    ...(owner === undefined
      ? []
      : [
          source('owner', 'owner', owner, '', {
            arrival: tree.ownerArrival,
            repeats: repeats['owner'] ?? {},
            ...(ownerBy === undefined ? {} : { writer: ownerBy }),
          }),
        ]),
    ...(grant === undefined
      ? []
      : [
          source(
            grant.grant.hash,
            'grant',
            { policy: grant.policy, hash: grant.grant.hash },
            `${grant.grant.hash}/`,
            {},
          ),
        ]),
  ];
};

/** The names of this account's own counters in which a call counts, without duplicates. */
export const countersOf = (
  state: AccountState,
  asset: Subject['asset'],
  grant: HeldGrant | undefined,
  context: Context,
): readonly string[] => {
  const { operator, owner } = state.tree;
  return [
    ...new Set([
      ...namesOf(operator?.policy ?? context.policy, asset),
      ...(owner === undefined ? [] : namesOf(owner.policy, asset)),
      ...(grant === undefined ? [] : namesOf(grant.policy, asset, `${grant.grant.hash}/`)),
    ]),
  ];
};

const NOTHING: Policy = { windows: [], deny: [], require: [] };

/**
 * The statuses and policies of the ancestors while their leases last, and the grants that those ancestors hold. The account requests an
 * expired lease again.
 */
export const ancestorSources = (
  state: AccountState,
  grant: HeldGrant | undefined,
  now: Seconds,
): readonly Source[] =>
  grant === undefined
    ? []
    : linksOf(grant).flatMap((link, at) => {
        const account = issuerOf(link);
        const lease = state.leases[link.hash];
        const parent = grant.chain[at];
        const known =
          lease === undefined || now >= lease.until ? [] : leaseSources(account, link, lease);
        return parent === undefined ? known : [...known, grantSource(parent)];
      });

const leaseSources = (
  account: AccountId,
  link: SignedGrant,
  lease: HeldLease,
): readonly Source[] => {
  const status =
    lease.status === 'expired' || lease.status === 'unknown' ? 'revoked' : lease.status;
  const key = `${account}/lease`;
  return [
    {
      key,
      origin: { kind: 'lease', account, hash: link.hash },
      status,
      policy: NOTHING,
      counters: [],
    },
    ...lease.policies.map((each): Source => ({ ...each, status: 'active', counters: [] })),
  ];
};

const grantSource = (grant: SignedGrant): Source => ({
  key: grant.hash,
  origin: { kind: 'grant', account: delegateOf(grant), hash: grant.hash },
  status: 'active',
  policy: compiled(grant),
  counters: [],
});

/** The policies and grants that bind a call, in the order of their evaluation. A lease only lends what they limit. */
export const originsOf = (sources: readonly Source[]): readonly Origin[] =>
  sources.map(({ origin }) => origin).filter(({ kind }) => kind !== 'lease');

/** One hash for every policy that binds a call; the policy's own hash if there is only one. */
export const rulesHash = (origins: readonly Origin[]): Origin['hash'] => {
  const [first] = origins;
  return first !== undefined && origins.length === 1 ? first.hash : hashOf(origins);
};
