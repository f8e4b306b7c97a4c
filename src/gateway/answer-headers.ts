import { type Item, serializeList } from 'structured-headers';
import { nowSeconds, type Seconds } from '../core/clock.ts';
import type { LimitState } from '../protocol/limit.ts';

/** A paid or signed answer belongs to its payer: no cache may keep it (law 10). */
export const PRIVATE = { 'Cache-Control': 'private, no-store' } as const;

/** The largest Integer of RFC 9651. A larger limit is reported as this lower bound. */
const MAX_INTEGER = 999_999_999_999_999n;

const integer = (decimal: string): number => {
  const value = BigInt(decimal);
  return Number(value < MAX_INTEGER ? value : MAX_INTEGER);
};

/** Calls use the draft's default unit, money uses atomic units. */
const unit = ({ rule }: LimitState): Map<string, string> =>
  new Map(rule.endsWith('rate') ? [] : [['qu', 'atomic-units']]);

/**
 * Builds `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers): for every limit its quota `q` and window `w`, and what
 * remains `r` until it resets in `t` seconds. Returns no headers without limits.
 */
export const limitHeaders = (
  limits: readonly LimitState[],
  now: Seconds = nowSeconds(),
): Readonly<Record<string, string>> => {
  if (limits.length === 0) return {};
  const policies = limits.map((limit): Item => {
    const parameters = new Map<string, string | number>([
      ['q', integer(limit.limit)],
      ...unit(limit),
    ]);
    if (limit.window !== undefined) parameters.set('w', limit.window);
    return [limit.rule, parameters];
  });
  const states = limits.map((limit): Item => {
    const parameters = new Map<string, string | number>([['r', integer(limit.remaining)]]);
    if (limit.resetsAt !== undefined) parameters.set('t', Math.max(0, limit.resetsAt - now));
    return [limit.rule, parameters];
  });
  return { 'RateLimit-Policy': serializeList(policies), RateLimit: serializeList(states) };
};
