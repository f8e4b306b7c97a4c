import type { AccountId } from '../core/account-id.ts';
import type { Seconds } from '../core/clock.ts';
import type { Policy } from './policy.ts';
import { admit, remainingCalls } from './rate.ts';
import { periodOf, rolled, windowName, type WindowSpend } from './window.ts';

/** A limit as it stood at a decision. Amounts are decimal strings of atomic units, times Unix seconds. */
export type LimitState = {
  readonly rule: string;
  readonly limit: string;
  readonly spent: string;
  readonly held: string;
  readonly remaining: string;
  readonly resetsAt?: Seconds;
  readonly window?: Seconds;
};

/** What an account has used so far, as a policy sees it. */
export type Usage = {
  readonly account: AccountId;
  readonly windows: Readonly<Record<string, WindowSpend>>;
  /** GCRA arrival time, milliseconds. */
  readonly arrival: number;
};

export type PolicyVerdict =
  /** `arrival` is the rate state after this call. */
  | { readonly allowed: true; readonly arrival: number }
  | {
      readonly allowed: false;
      readonly rule: 'per_call' | 'window' | 'rate';
      readonly limit: LimitState;
      readonly retryAfter?: Seconds;
    };

/** Whether a policy lets an account spend `price` now. Order of checks: per call, windows, rate (design §5). */
export const evaluate = (
  policy: Policy,
  usage: Usage,
  price: bigint,
  now: Seconds,
): PolicyVerdict => {
  if (price > policy.perCall) {
    return {
      allowed: false,
      rule: 'per_call',
      limit: amounts('per_call', policy.perCall, 0n, 0n),
    };
  }
  for (const window of policy.windows) {
    const limit = windowLimit(window, usage, now);
    if (price > BigInt(limit.remaining)) {
      return {
        allowed: false,
        rule: 'window',
        limit,
        retryAfter: Math.max(1, (limit.resetsAt ?? now) - now),
      };
    }
  }
  const rate = admit(policy.rate, usage.arrival, now);
  if (!rate.admitted) {
    return {
      allowed: false,
      rule: 'rate',
      limit: rateLimit(policy, usage, now),
      retryAfter: rate.retryAfter,
    };
  }
  return { allowed: true, arrival: rate.arrival };
};

/** Every limit of a policy that has a remainder worth telling. */
export const limitsLeft = (policy: Policy, usage: Usage, now: Seconds): LimitState[] => [
  ...policy.windows.map((window) => windowLimit(window, usage, now)),
  rateLimit(policy, usage, now),
];

/** A limit in amounts, with what remains (never below zero). */
export const amounts = (rule: string, limit: bigint, spent: bigint, held: bigint): LimitState => {
  const left = limit - spent - held;
  return {
    rule,
    limit: limit.toString(),
    spent: spent.toString(),
    held: held.toString(),
    remaining: (left > 0n ? left : 0n).toString(),
  };
};

const windowLimit = (window: Policy['windows'][number], usage: Usage, now: Seconds): LimitState => {
  const name = windowName(window.every);
  const { spent, held } = rolled(usage.windows[name], window.every, now);
  const { start, end } = periodOf(window.every, now);
  return {
    ...amounts(`window:${name}`, window.limit, spent, held),
    resetsAt: end,
    window: end - start,
  };
};

const rateLimit = (policy: Policy, usage: Usage, now: Seconds): LimitState => {
  const remaining = remainingCalls(policy.rate, usage.arrival, now);
  return {
    rule: 'rate',
    limit: policy.rate.limit.toString(),
    spent: (policy.rate.limit - remaining).toString(),
    held: '0',
    remaining: remaining.toString(),
    window: policy.rate.seconds,
  };
};
