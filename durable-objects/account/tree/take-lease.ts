import type { Seconds } from '../../../src/core/clock.ts';
import type { Hex } from '../../../src/core/hex.ts';
import { parsePolicy } from '../../../src/policy/policy.ts';
import type { SignedGrant } from '../../../src/protocol/account/grant.ts';
import type { Authority, LeaseVerdict, Shares } from '../../../src/protocol/account/lease.ts';
import { min } from '../../../src/protocol/amount.ts';
import type { AccountState } from '../state.ts';
import type { HeldLease } from './held-lease.ts';
import { LEASE_SECONDS } from './issued-lease.ts';
import { CREDIT, mergeTotals, shareEnd } from './share.ts';
import { issuerOf } from './signed-grant.ts';
import { type Tree, withShares } from './tree.ts';

/** How long a refusal of an ancestor is believed without asking again. */
export const REFUSED_SECONDS: Seconds = 2;

/** How long after its end a period is remembered. */
const FORGET_SECONDS: Seconds = 86_400;

/**
 * Takes over an ancestor's answer. Its totals only grow, and an answer of a lower revision is ignored: a lease that was granted before a
 * freeze must not arrive after it (law 6). Nothing is stored: the ancestor remembers.
 *
 * @param need what was asked for: during a flood of denied calls the account does not ask for as much again at once.
 */
export const takeLease = (
  state: AccountState,
  link: SignedGrant,
  verdict: Exclude<LeaseVerdict, { readonly verdict: 'unavailable' }>,
  askedAt: Seconds,
  need: bigint,
): AccountState => {
  const { authority } = verdict;
  const last = state.tree.answers[link.hash];
  const tree =
    verdict.verdict === 'refused'
      ? state.tree
      : withoutEndedShares(mergeShares(state.tree, link.hash, verdict.shares), link.hash, askedAt);
  if (last !== undefined && authority.revision < last.revision) return { ...state, tree };
  const known = state.leases[link.hash];
  // The ancestor left its policies out because this account knew them, and it has forgotten them: without them it is no lease (law 8).
  if (authority.policies === undefined && known?.policiesHash !== authority.policiesHash) {
    return { ...state, tree };
  }
  const lease: HeldLease = {
    until: untilOf(verdict.verdict, known, askedAt),
    status: authority.status,
    names: verdict.verdict === 'refused' ? [] : namesOf(verdict.shares),
    policies: policiesOf(link, authority) ?? known?.policies ?? [],
    policiesHash: authority.policiesHash,
    ...shortOf(verdict.verdict, known?.shortOf, need),
  };
  const { revision, status } = authority;
  return {
    ...state,
    tree: { ...tree, answers: { ...tree.answers, [link.hash]: { revision, status } } },
    leases: { ...state.leases, [link.hash]: lease },
  };
};

/** The least need that was too much: a smaller grant says nothing about more. */
const shortOf = (
  verdict: 'leased' | 'short' | 'refused',
  known: bigint | undefined,
  need: bigint,
): Pick<HeldLease, 'shortOf'> => {
  if (verdict === 'short') return { shortOf: min(known ?? need, need) };
  return verdict === 'leased' && known !== undefined && need < known ? { shortOf: known } : {};
};

/**
 * Counted from the request, by the clock that will check it: no clock skew can make the lease longer. An account that was given nothing
 * may decide no longer than before: the ancestor does not count it among those that it tells of a freeze.
 */
const untilOf = (
  verdict: 'leased' | 'short' | 'refused',
  known: HeldLease | undefined,
  askedAt: Seconds,
): Seconds => {
  switch (verdict) {
    case 'leased':
      return askedAt + LEASE_SECONDS;
    case 'short':
      return known?.until ?? 0;
    case 'refused':
      return askedAt + REFUSED_SECONDS;
  }
};

const namesOf = (shares: Shares): readonly string[] =>
  Object.keys(shares).filter((name) => name !== CREDIT);

/** The shares by one grant, with the parent's totals merged in. */
export const mergeShares = (tree: Tree, issued: Hex, told: Shares): Tree => {
  const own = { ...tree.shares[issued] };
  for (const [name, share] of Object.entries(told)) own[name] = mergeTotals(own[name], share);
  return withShares(tree, issued, own);
};

/**
 * Attack: each policy that an owner replaces leaves the last period of its counters here, and every commit stores them. A period is
 * forgotten a day after its end, when no clock takes it for the current one.
 */
const withoutEndedShares = (tree: Tree, issued: Hex, now: Seconds): Tree => {
  const own = Object.entries(tree.shares[issued] ?? {});
  const kept = own.filter(
    ([name, share]) => share.held !== 0n || now < shareEnd(name, share) + FORGET_SECONDS,
  );
  return kept.length === own.length ? tree : withShares(tree, issued, Object.fromEntries(kept));
};

/** The policies of an ancestor. One that cannot be read lets nothing through (law 8). */
export const policiesOf = (
  link: SignedGrant,
  { policies }: Authority,
): HeldLease['policies'] | undefined =>
  policies?.map(({ kind, hash, document }) => {
    const account = issuerOf(link);
    const parsed = parsePolicy(document);
    const policy = parsed.ok ? parsed.value : { tools: [], windows: [], deny: [], require: [] };
    return { key: `${account}/${kind}`, origin: { kind, account, hash }, policy };
  });
