import type { Seconds } from '../../../src/core/clock.ts';
import type { Denial } from '../../../src/protocol/account/denial.ts';
import type { SignedGrant } from '../../../src/protocol/account/grant.ts';
import type { LeaseVerdict } from '../../../src/protocol/account/lease.ts';
import { max, min } from '../../../src/protocol/amount.ts';
import type { AccountState } from '../state.ts';
import { type HeldGrant, issuerOf, linksOf } from './grants.ts';
import { CREDIT, shareEnd, unusedOf } from './share.ts';
import { type HeldLease, shareOf } from './tree.ts';

/** The amounts that a call needs from an ancestor before it can be decided. */
export type LeaseNeed = {
  readonly link: SignedGrant;
  readonly need: bigint;
  /** The needed part of the ancestor's credit. */
  readonly credit?: bigint;
  /** For a call that waited for a person: the shares that it already holds (`usedShareText`), and how much of each. */
  readonly holds?: { readonly usedShares: readonly string[]; readonly amount: bigint };
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

/** Whether the ancestor last answered that it is not active: the denial must name that first. */
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

/** The effect of an ancestor's answer on a waiting call, which is then decided again. */
export type LeaseAnswer =
  | { readonly answered: 'again' }
  | { readonly answered: 'unreachable' }
  /** The ancestor has no credit for it. */
  | { readonly answered: 'no_credit' }
  | { readonly answered: 'short'; readonly denial: Pick<Denial, 'rule' | 'account' | 'limit'> };

/** The usable amounts after an answer: of each counter, and of the credit. Zero without a live lease. */
type Usable = {
  readonly isLive: boolean;
  readonly unused: readonly bigint[];
  readonly credit: bigint;
};

/**
 * Decides which waiting calls an answer wakes, in the order of their arrival. Calls that the answer covers continue; calls that the
 * ancestor can never cover are denied with the limit in the answer; the others wait for the next one. The first is always answered, so no
 * call waits for ever. Pure.
 */
export const answerWaiters = <W extends LeaseNeed>(
  waiters: readonly W[],
  head: W,
  verdict: LeaseVerdict,
  { isLive, unused, credit }: Usable,
): {
  readonly answered: readonly (readonly [W, LeaseAnswer])[];
  readonly waiting: readonly W[];
} => {
  const answered: (readonly [W, LeaseAnswer])[] = [];
  const waiting: W[] = [];
  if (verdict.verdict === 'unavailable' || verdict.verdict === 'refused') {
    // A refusal is the ancestor's status now: the next decision names it.
    const answer: LeaseAnswer = {
      answered: verdict.verdict === 'refused' ? 'again' : 'unreachable',
    };
    return { answered: waiters.map((waiter) => [waiter, answer] as const), waiting };
  }
  const least = unused.length === 0 ? undefined : unused.reduce(min);
  let taken = 0n;
  let borrowed = 0n;
  for (const waiter of waiters) {
    const needs = taken + waiter.need;
    const borrows = borrowed + (waiter.credit ?? 0n);
    const isCovered =
      isLive &&
      (least === undefined || needs <= least) &&
      (waiter.credit === undefined || borrows <= credit);
    if (isCovered) {
      taken = needs;
      borrowed = borrows;
      answered.push([waiter, { answered: 'again' }]);
    } else if (
      verdict.verdict === 'short' &&
      isBeyond(waiter, verdict, least ?? 0n, credit, head)
    ) {
      answered.push([waiter, refusalOf(waiter, verdict)]);
    } else if (waiter === head) {
      answered.push([waiter, { answered: 'again' }]);
    } else waiting.push(waiter);
  }
  return { answered, waiting };
};

type Short = Extract<LeaseVerdict, { readonly verdict: 'short' }>;

/** Whether a call needs more than everything that remains at the ancestor and here, and that others may yet return. */
const isBeyond = (
  waiter: LeaseNeed,
  { rule, limit, returnable }: Short,
  unused: bigint,
  credit: bigint,
  head: LeaseNeed,
): boolean => {
  if (waiter === head) return true;
  const remaining = BigInt(limit.remaining);
  return rule === 'credit'
    ? waiter.credit !== undefined && waiter.credit > max(0n, credit) + remaining
    : waiter.need > max(0n, unused) + remaining + returnable;
};

const refusalOf = ({ link }: LeaseNeed, { rule, limit }: Short): LeaseAnswer =>
  rule === 'credit'
    ? { answered: 'no_credit' }
    : { answered: 'short', denial: { rule, account: issuerOf(link), limit } };
