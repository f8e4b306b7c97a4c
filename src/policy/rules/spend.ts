import * as z from 'zod/mini';
import { asset, DAY, money } from '../fields.ts';
import { attributed, counterState, prefixOf, type Rule } from '../rule.ts';
import { type Window, windowName } from '../window.ts';

const YEAR = 366 * DAY;
const MAX_WINDOWS = 16;

const EVERY = `must be "hour", "day", "month", or seconds from 1 to ${YEAR}`;
const every = z.union(
  [z.enum(['hour', 'day', 'month']), z.int().check(z.minimum(1, EVERY), z.maximum(YEAR, EVERY))],
  EVERY,
);

const windows = z
  .array(
    z.strictObject(
      { every, limit: money, asset: z.exactOptional(asset) },
      'must be an object {every, limit, asset}',
    ),
    'must be an array of {every, limit}',
  )
  .check(
    z.maxLength(MAX_WINDOWS, `must hold at most ${MAX_WINDOWS} windows`),
    // The account counts spend by window name and asset: two windows of one kind would be one counter under two limits.
    z.refine(
      (list) => new Set(list.map((one) => windowName(one.every) + one.asset)).size === list.length,
      'must name each window once',
    ),
  );

export type SpendFields = {
  /** Limits on spend per fixed window; the spend of the account and of all its descendants counts. */
  readonly windows: readonly Window[];
  /** Limit on spend without an end, per asset; the spend of the account and of all its descendants counts. */
  readonly lifetime?: bigint;
};

/** Denies calls that would pass a limit on money of a window or of the lifetime. The account keeps the counters (law 6). */
export const spend = {
  shape: {
    windows: z.exactOptional(windows),
    lifetime: z.exactOptional(money),
  },
  denials: {
    window: {
      subject: 'The price is above the remaining amount of the window.',
      hint: 'Wait until `resets_at`, `retry_after` seconds from now, then sign and send the call again.',
      final: {
        subject: 'The price is above the whole limit of the window.',
        hint: 'Waiting does not help: choose a cheaper call, or ask the owner of `account` to raise the limit.',
      },
    },
    lifetime: {
      subject: 'The price is above the remaining amount of the lifetime limit.',
      hint: 'Waiting does not help: ask the owner for a new grant, or for a higher limit.',
    },
  },
  check: (_, source, { price }, now) => {
    if (price === 0n) return undefined;
    const counter = source.counters.find(({ spent, held, limit }) => spent + held + price > limit);
    if (counter === undefined) return undefined;
    const { rule, limit, resetsAt } = counter;
    const refusal = {
      rule,
      counter,
      limit: attributed(source, counterState(counter, prefixOf(source))),
    };
    // A price above the whole limit fits into no later window.
    return resetsAt === undefined || price > limit
      ? refusal
      : { ...refusal, retryAfter: Math.max(1, resetsAt - now) };
  },
} satisfies Rule<SpendFields, 'window' | 'lifetime'>;
