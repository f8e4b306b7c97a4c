import type { Seconds } from '../../../src/core/clock.ts';
import type { SignedGrant } from '../../../src/protocol/account/grant.ts';
import type { AccountState } from '../state.ts';
import { type HeldGrant, linksOf } from './held-grant.ts';
import type { HeldLease } from './held-lease.ts';
import { CREDIT, shareEnd, unusedOf } from './share.ts';
import { shareOf } from './tree.ts';

/** The amounts that a call needs from an ancestor before it can be decided. */
export type LeaseNeed = {
  readonly link: SignedGrant;
  readonly need: bigint;
  /** The needed part of the ancestor's credit. */
  readonly credit?: bigint;
};

/** Lists the needs of a call: one for each ancestor whose lease has expired or whose share does not cover the price. */
export const leaseNeeds = (
  state: AccountState,
  grant: HeldGrant | undefined,
  price: bigint,
  now: Seconds,
): readonly LeaseNeed[] =>
  grant === undefined
    ? []
    : linksOf(grant)
        .filter((link) => !covers(state, link, price, now))
        .map((link) => ({ link, need: price }));

const covers = (state: AccountState, link: SignedGrant, price: bigint, now: Seconds): boolean => {
  const lease = state.leases[link.hash];
  if (lease === undefined || now >= lease.until) return false;
  // An ancestor that refuses has nothing to share.
  return lease.status !== 'active' || sharesCover(state, link, lease, price, now);
};

/** Whether the ancestor's last answer was that it is not active: the denial must name that first. */
export const wasRefused = ({ tree }: AccountState, { hash }: SignedGrant): boolean => {
  const answer = tree.answers[hash];
  return answer !== undefined && answer.status !== 'active';
};

/** Whether an ancestor lately had too little for one of these needs. */
export const wasShort = ({ leases }: AccountState, needs: readonly LeaseNeed[]): boolean =>
  needs.some(({ link, need }) => {
    const shortOf = leases[link.hash]?.shortOf;
    return shortOf !== undefined && need >= shortOf;
  });

const sharesCover = (
  { tree }: AccountState,
  { hash }: SignedGrant,
  { names }: HeldLease,
  price: bigint,
  now: Seconds,
): boolean =>
  price === 0n ||
  names.every((name) => {
    const share = shareOf(tree, hash, name);
    return now < shareEnd(name, share) && unusedOf(share) >= price;
  });

/** Whether the leased credit of the ancestor covers a price. */
export const creditCovers = (state: AccountState, { hash }: SignedGrant, price: bigint): boolean =>
  unusedOf(shareOf(state.tree, hash, CREDIT)) >= price;
