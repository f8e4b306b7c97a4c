import type { Seconds } from '../../../src/core/clock.ts';
import type { Hex } from '../../../src/core/hex.ts';
import { parsePolicy } from '../../../src/policy/policy.ts';
import type { SignedGrant } from '../../../src/protocol/account/grant.ts';
import type { Authority, LeaseVerdict, Shares } from '../../../src/protocol/account/lease.ts';
import { min } from '../../../src/protocol/amount.ts';
import type { AccountState } from '../state.ts';
import { issuerOf } from './grants.ts';
import { LEASE_SECONDS } from './issued-lease.ts';
import { CREDIT, mergeTotals, shareEnd } from './share.ts';
import { type HeldLease, type Tree, withShares } from './tree.ts';

/** How long an ancestor's refusal holds before the account requests a lease again. */
export const REFUSED_SECONDS: Seconds = 2;

/** How long a share is kept after its period. */
const FORGET_SECONDS: Seconds = 86_400;

/**
 * Merges an ancestor's answer. Totals only grow, and an answer of a lower revision is ignored: a lease that was granted before a freeze
 * must not take effect after it (law 6). The account stores no lease: the ancestor has it.
 *
 * @param need the needed amounts: during a flood of denied calls the account does not at once request as much again.
 */
export const takeLease = (
  state: AccountState,
  link: SignedGrant,
  verdict: Exclude<LeaseVerdict, { readonly verdict: 'unavailable' }>,
  requestedAt: Seconds,
  need: bigint,
): AccountState => {
  const { authority } = verdict;
  const last = state.tree.answers[link.hash];
  const tree =
    verdict.verdict === 'refused'
      ? state.tree
      : withoutEndedShares(
          mergeShares(state.tree, link.hash, verdict.shares),
          link.hash,
          requestedAt,
        );
  if (last !== undefined && authority.revision < last.revision) return { ...state, tree };
  const known = state.leases[link.hash];
  // The ancestor omitted policies that this account has forgotten since. Without its policies the lease grants nothing (law 8).
  if (authority.policies === undefined && known?.policiesHash !== authority.policiesHash) {
    return { ...state, tree };
  }
  const lease: HeldLease = {
    until: untilOf(verdict.verdict, known, requestedAt),
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

/**
 * The smallest need that the ancestor could not meet. It remains after a smaller need was granted, because that proves nothing about a
 * larger one.
 */
const shortOf = (
  verdict: 'leased' | 'short' | 'refused',
  known: bigint | undefined,
  need: bigint,
): Pick<HeldLease, 'shortOf'> => {
  if (verdict === 'short') return { shortOf: min(known ?? need, need) };
  return verdict === 'leased' && known !== undefined && need < known ? { shortOf: known } : {};
};

/**
 * The end of a lease, counted from the request by the clock that will check it: no clock skew can extend the lease. A short answer does not
 * extend the lease, because the ancestor does not push a freeze to accounts to which it granted nothing.
 */
const untilOf = (
  verdict: 'leased' | 'short' | 'refused',
  known: HeldLease | undefined,
  requestedAt: Seconds,
): Seconds => {
  switch (verdict) {
    case 'leased':
      return requestedAt + LEASE_SECONDS;
    case 'short':
      return known?.until ?? 0;
    case 'refused':
      return requestedAt + REFUSED_SECONDS;
  }
};

const namesOf = (shares: Shares): readonly string[] =>
  Object.keys(shares).filter((name) => name !== CREDIT);

/** Merges the parent's totals into the shares of one grant. */
export const mergeShares = (tree: Tree, issued: Hex, theirs: Shares): Tree => {
  const own = { ...tree.shares[issued] };
  for (const [name, share] of Object.entries(theirs)) own[name] = mergeTotals(own[name], share);
  return withShares(tree, issued, own);
};

/**
 * Attack: an owner replaces policies endlessly. Each policy leaves the last period of its counters here, and every commit stores them. The
 * account forgets a period a day after its end, when no clock can still count in it.
 */
const withoutEndedShares = (tree: Tree, issued: Hex, now: Seconds): Tree => {
  const own = Object.entries(tree.shares[issued] ?? {});
  const kept = own.filter(
    ([name, share]) => share.held !== 0n || now < shareEnd(name, share) + FORGET_SECONDS,
  );
  return kept.length === own.length ? tree : withShares(tree, issued, Object.fromEntries(kept));
};

/** The policies of an ancestor. A policy that does not parse allows nothing (law 8). */
export const policiesOf = (
  link: SignedGrant,
  { policies }: Authority,
): HeldLease['policies'] | undefined =>
  policies?.map(({ kind, hash, document, writer }) => {
    const account = issuerOf(link);
    const parsed = parsePolicy(document);
    const policy = parsed.ok ? parsed.value : { tools: [], windows: [], deny: [], require: [] };
    return {
      key: `${account}/${kind}`,
      origin: { kind, account, hash },
      policy,
      ...(writer === undefined ? {} : { writer }),
    };
  });
