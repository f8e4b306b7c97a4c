import * as z from 'zod/mini';
import type { Seconds } from '../../core/clock.ts';
import type { LimitState } from '../../protocol/account/denial.ts';
import { DAY, integer } from '../fields.ts';
import { amounts, attributed, prefixOf, type Rule, type RuleSource } from '../rule.ts';

export type Rate = { readonly limit: number; readonly seconds: Seconds };

export type RateFields = {
  /** Calls of the account itself: a burst of `limit`, then one each `seconds / limit`. */
  readonly rate?: Rate;
};

/** The schema of `rate`; the default policy requires the field. */
export const rateField = z.strictObject(
  { limit: integer(1, 1_000_000), seconds: integer(1, DAY) },
  'must be an object {limit, seconds}',
);

type Admission =
  | { readonly admitted: true; readonly arrival: number }
  | { readonly admitted: false; readonly retryAfter: Seconds };

/**
 * Counts one call by GCRA (generic cell rate algorithm), whose whole state is the theoretical arrival time.
 *
 * @param arrival milliseconds.
 */
export const admit = (rate: Rate, arrival: number, now: Seconds): Admission => {
  const nowMs = now * 1000;
  const interval = (rate.seconds * 1000) / rate.limit;
  const next = Math.max(arrival, nowMs) + interval;
  const excess = next - nowMs - rate.seconds * 1000;
  return excess <= 0
    ? { admitted: true, arrival: next }
    : { admitted: false, retryAfter: Math.max(1, Math.ceil(excess / 1000)) };
};

/** Returns how many calls could be made at once now. */
const remainingCalls = (rate: Rate, arrival: number, now: Seconds): number => {
  const interval = (rate.seconds * 1000) / rate.limit;
  const used = Math.max(0, arrival - now * 1000) / interval;
  return Math.max(0, Math.floor(rate.limit - used));
};

export const rateState = (rate: Rate, arrival: number, now: Seconds, prefix = ''): LimitState => {
  const remaining = remainingCalls(rate, arrival, now);
  return {
    ...amounts(`${prefix}rate`, BigInt(rate.limit), BigInt(rate.limit - remaining), 0n),
    window: rate.seconds,
  };
};

/** Counts one call against the source's rate; undefined if this account does not count it. */
export const countRate = (
  policy: RateFields,
  { arrival }: RuleSource,
  now: Seconds,
): Admission | undefined =>
  policy.rate === undefined || arrival === undefined ? undefined : admit(policy.rate, arrival, now);

/** Denies calls above a rate. */
export const rate = {
  shape: { rate: z.exactOptional(rateField) },
  denials: {
    rate: {
      counts: 'calls',
      subject: 'The account calls too often.',
      hint: 'Wait until `resets_at`, `retry_after` seconds from now, then sign and send the call again.',
    },
  },
  check: (policy, source, _, now) => {
    const counted = countRate(policy, source, now);
    if (counted?.admitted !== false || policy.rate === undefined || source.arrival === undefined) {
      return undefined;
    }
    const { retryAfter } = counted;
    const limit = rateState(policy.rate, source.arrival, now, prefixOf(source));
    return {
      rule: 'rate',
      limit: attributed(source, { ...limit, resetsAt: now + retryAfter }),
      retryAfter,
    };
  },
  checksTopUps: true,
} satisfies Rule<RateFields, 'rate'>;
