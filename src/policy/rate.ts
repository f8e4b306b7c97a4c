import type { Seconds } from '../core/clock.ts';
import type { Rate } from './policy.ts';

/**
 * GCRA (generic cell rate algorithm): one number, the theoretical arrival time, holds the whole state.
 * `arrival` is in milliseconds; a burst of `limit` calls is allowed, then one each `seconds / limit`.
 */
export const admit = (
  rate: Rate,
  arrival: number,
  now: Seconds,
):
  | { readonly admitted: true; readonly arrival: number }
  | { readonly admitted: false; readonly retryAfter: Seconds } => {
  const nowMs = now * 1000;
  const interval = (rate.seconds * 1000) / rate.limit;
  const next = Math.max(arrival, nowMs) + interval;
  const excess = next - nowMs - rate.seconds * 1000;
  return excess <= 0
    ? { admitted: true, arrival: next }
    : { admitted: false, retryAfter: Math.max(1, Math.ceil(excess / 1000)) };
};

/** How many calls could be made at once right now. */
export const remainingCalls = (rate: Rate, arrival: number, now: Seconds): number => {
  const interval = (rate.seconds * 1000) / rate.limit;
  const used = Math.max(0, arrival - now * 1000) / interval;
  return Math.max(0, Math.floor(rate.limit - used));
};
