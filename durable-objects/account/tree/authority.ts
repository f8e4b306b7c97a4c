import type { Seconds } from '../../../src/core/clock.ts';
import type { Source } from '../../../src/policy/evaluate.ts';
import type { Policy } from '../../../src/policy/policy.ts';
import type { Origin, Subject } from '../../../src/policy/rule.ts';
import type { AccountId } from '../../../src/protocol/account-id.ts';
import type { Call, GrantProof } from '../../../src/protocol/account/call.ts';
import type { Denial } from '../../../src/protocol/account/denial.ts';
import type { SignedGrant } from '../../../src/protocol/account/grant.ts';
import type { Context } from '../decision.ts';
import type { AccountState } from '../state.ts';
import { type HeldGrant, isLive, linksOf } from './held-grant.ts';
import type { HeldLease } from './held-lease.ts';
import { hashOf } from './issued.ts';
import { limitCounters, namesOf } from './limit-counters.ts';
import { compiled, delegateOf, issuerOf } from './signed-grant.ts';

/** Whether a call may be made: by a grant that its account holds, or without one if the account was never granted one. */
export type Standing =
  | { readonly stands: true; readonly grant: HeldGrant | undefined }
  | { readonly stands: false; readonly denial: Pick<Denial, 'rule' | 'retryAllowed' | 'grant'> };

/** How long a contract issuer's confirmation of its signature is valid. */
const CONTRACT_SECONDS: Seconds = 60;

/**
 * The grant of a call without `authority`: the account's default while it lives, else the last one taken that lives. So a newer grant
 * replaces an older one, and a revoked one does not block its successor.
 */
export const defaultAmong = (
  { tree }: Pick<AccountState, 'tree'>,
  live: readonly HeldGrant[],
): HeldGrant | undefined =>
  live.find(({ grant }) => grant.hash === tree.defaultGrant) ?? live.at(-1);

/**
 * The grant of a call (`docs/wire-format.md`): the one its intent names, else the account's default. An account that ever took a grant
 * never calls without one: a revoked agent is no stranger (law 8).
 */
export const grantOf = (state: AccountState, call: Call, now: Seconds): Standing => {
  const { held, tree } = state;
  const refuse = (rule: Denial['rule'], grant?: HeldGrant): Standing => ({
    stands: false,
    denial: {
      rule,
      retryAllowed: false,
      ...(grant === undefined ? {} : { grant: grant.grant.hash }),
    },
  });
  const usable = held.filter(isUsable);
  const named = namedIn(usable, call);
  if (call.authority !== undefined && named === undefined) return refuse('authority');
  if (!tree.governed && named === undefined) return { stands: true, grant: undefined };
  // A grant for one origin of this gateway does not apply to another one.
  const isHere = ({ grant }: HeldGrant): boolean =>
    call.audience === undefined || grant.delegation.audience === call.audience;
  const live = usable.filter(
    (each) =>
      isLive(tree, each, now) && isHere(each) && each.grant.delegation.validAfter <= BigInt(now),
  );
  const grant =
    named ??
    defaultAmong(state, live) ??
    // No grant lives: let the newest one give the reason.
    usable.at(-1);
  if (grant === undefined) return refuse('expired');
  if (grant.status === 'revoked') return refuse('revoked', grant);
  return isHere(grant) ? { stands: true, grant } : refuse('authority', grant);
};

/** Whether a call names a grant that its account has not taken. */
export const namesUntaken = ({ held }: AccountState, call: Call): boolean =>
  call.authority !== undefined && namedIn(held.filter(isUsable), call) === undefined;

/** A grant of a former parent must be taken anew. */
const isUsable = ({ status }: HeldGrant): boolean => status !== 'superseded';

const namedIn = (usable: readonly HeldGrant[], { authority }: Call): HeldGrant | undefined =>
  usable.find(({ grant }) => grant.hash === authority);

/** Every policy that this account counts itself. */
export const ownSources = (
  state: AccountState,
  asset: Subject['asset'],
  grant: HeldGrant | undefined,
  context: Context,
): readonly Source[] => {
  const { account, tree } = state;
  const { operator, owner, status, repeats } = tree;
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

/** The names of this account's own counters that a call counts in, each once. */
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
 * The ancestors' statuses and policies while their leases last, and the grants that they hold themselves. An expired lease is asked for
 * again.
 */
export const sourcesAbove = (
  state: AccountState,
  grant: HeldGrant | undefined,
  now: Seconds,
): readonly Source[] =>
  grant === undefined
    ? []
    : linksOf(grant).flatMap((link, at) => {
        const account = issuerOf(link);
        const lease = state.leases[link.hash];
        const above = grant.chain[at];
        const said = lease === undefined || now >= lease.until ? [] : saidOf(account, link, lease);
        return above === undefined ? said : [...said, grantSource(above)];
      });

const saidOf = (account: AccountId, link: SignedGrant, lease: HeldLease): readonly Source[] => {
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

/** Signatures of contract issuers that were not confirmed lately: a contract may withdraw its signature (ERC-1271). */
export const staleProofs = (
  state: AccountState,
  grant: HeldGrant | undefined,
  now: Seconds,
): readonly GrantProof[] =>
  grant === undefined
    ? []
    : linksOf(grant)
        .filter(
          ({ contractCheckedAt, hash }) =>
            contractCheckedAt !== undefined &&
            now - (state.grantChecks[hash] ?? 0) >= CONTRACT_SECONDS,
        )
        .map(({ hash, delegation, signature }) => ({
          hash,
          issuer: delegation.issuer,
          signature,
        }));

/** One hash for every policy that binds a call; the policy's own hash if there is only one. */
export const rulesHash = (sources: readonly Source[]): Origin['hash'] => {
  const [first, ...more] = sources.filter(({ origin }) => origin.kind !== 'lease');
  return first !== undefined && more.length === 0
    ? first.origin.hash
    : hashOf([first, ...more].map((each) => each?.origin));
};
