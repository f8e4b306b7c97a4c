import type { Denial } from '../../../src/protocol/account/denial.ts';
import type { LeaseVerdict } from '../../../src/protocol/account/lease.ts';
import { max, min } from '../../../src/protocol/amount.ts';
import type { LeaseNeed } from './lease-need.ts';
import { issuerOf } from './signed-grant.ts';

/** The effect of an ancestor's answer on a waiting call, which is then decided again. */
export type LeaseAnswer =
  | { readonly answered: 'again' }
  | { readonly answered: 'unreachable' }
  /** The ancestor has no credit for it. */
  | { readonly answered: 'no_credit' }
  | { readonly answered: 'short'; readonly denial: Pick<Denial, 'rule' | 'account' | 'limit'> };

/** The usable amounts after an answer: of each counter, and of the credit. Zero without a live lease. */
export type Usable = {
  readonly isLive: boolean;
  readonly unused: readonly bigint[];
  readonly credit: bigint;
};

/**
 * Decides which waiting calls an answer wakes, in the order of their arrival. Calls that it covers continue; calls that it can never
 * cover are denied with the limit that it names; the others wait for the next answer. The first is always answered, so no call waits
 * for ever. Pure.
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

/** Whether a call needs more than everything that remains at the ancestor and here. */
const isBeyond = (
  waiter: LeaseNeed,
  { rule, limit }: Short,
  unused: bigint,
  credit: bigint,
  head: LeaseNeed,
): boolean => {
  if (waiter === head) return true;
  const remaining = BigInt(limit.remaining);
  return rule === 'credit'
    ? waiter.credit !== undefined && waiter.credit > max(0n, credit) + remaining
    : waiter.need > max(0n, unused) + remaining;
};

const refusalOf = ({ link }: LeaseNeed, { rule, limit }: Short): LeaseAnswer =>
  rule === 'credit'
    ? { answered: 'no_credit' }
    : { answered: 'short', denial: { rule, account: issuerOf(link), limit } };
