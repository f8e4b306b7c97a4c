import * as z from 'zod/mini';
import type { Seconds } from '../../core/clock.ts';
import type { Hex } from '../../core/hex.ts';
import { DAY, integer } from '../fields.ts';
import type { Repeats, Rule, RuleSource } from '../rule.ts';

export type Repeat = { readonly times: number; readonly seconds: Seconds };

export type RepeatFields = {
  /** The same tool with the same request more than `times` in `seconds` is a loop. */
  readonly repeat?: Repeat;
};

/** The number of requests that are counted: a looping agent repeats few of them, and the stored row must stay small. */
const MAX_REQUESTS = 64;

type Counted =
  | { readonly admitted: true; readonly repeats: Repeats }
  | { readonly admitted: false; readonly retryAfter: Seconds };

/**
 * Counts one call of a request in a fixed period that begins with its first call. Forgets requests whose period is over, and, beyond
 * `MAX_REQUESTS`, the request whose last call is oldest.
 */
const count = (
  { times, seconds }: Repeat,
  repeats: Repeats,
  request: Hex,
  now: Seconds,
): Counted => {
  const live = Object.entries(repeats).filter(([, { since }]) => now < since + seconds);
  const found = live.find(([each]) => each === request)?.[1] ?? { since: now, count: 0 };
  if (found.count >= times) return { admitted: false, retryAfter: found.since + seconds - now };
  const others = live.filter(([each]) => each !== request).slice(1 - MAX_REQUESTS);
  const counted = { since: found.since, count: found.count + 1 };
  return { admitted: true, repeats: Object.fromEntries([...others, [request, counted]]) };
};

/** Counts one call of a request against the source's limit; undefined if this account does not count it. */
export const countRepeat = (
  policy: RepeatFields,
  { repeats }: RuleSource,
  request: Hex,
  now: Seconds,
): Counted | undefined =>
  policy.repeat === undefined || repeats === undefined
    ? undefined
    : count(policy.repeat, repeats, request, now);

/** Denies a request that an agent sends in a loop. */
export const repeat = {
  shape: {
    repeat: z.exactOptional(
      z.strictObject(
        { times: integer(1, 100), seconds: integer(1, DAY) },
        'must be an object {times, seconds}',
      ),
    ),
  },
  denials: {
    repeat: {
      counts: 'calls',
      subject: 'The account sent the same request too often.',
      hint: 'This looks like a loop: send another request, or wait `retry_after` seconds before you send the same one.',
    },
  },
  check: (policy, source, { request }, now) => {
    const counted = countRepeat(policy, source, request, now);
    return counted?.admitted === false
      ? { rule: 'repeat', retryAfter: counted.retryAfter }
      : undefined;
  },
} satisfies Rule<RepeatFields, 'repeat'>;
