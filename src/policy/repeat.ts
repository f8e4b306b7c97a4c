import type { Hex } from '../core/hex.ts';
import type { Seconds } from '../core/clock.ts';
import type { Repeat, Repeats } from './policy.ts';

/** So many requests are remembered: an agent in a loop repeats a few, and the row must stay small. */
const MAX_REQUESTS = 64;

/**
 * Counts one more call of a request, in a fixed time that starts with its first. Forgets what is over, and beyond the cap what was
 * called longest ago.
 */
export const countRepeat = (
  { times, seconds }: Repeat,
  repeats: Repeats,
  request: Hex,
  now: Seconds,
):
  | { readonly admitted: true; readonly repeats: Repeats }
  | { readonly admitted: false; readonly retryAfter: Seconds } => {
  const live = Object.entries(repeats).filter(([, { since }]) => now < since + seconds);
  const { since, count } = live.find(([each]) => each === request)?.[1] ?? { since: now, count: 0 };
  if (count >= times) return { admitted: false, retryAfter: since + seconds - now };
  const others = live.filter(([each]) => each !== request).slice(1 - MAX_REQUESTS);
  return {
    admitted: true,
    repeats: Object.fromEntries([...others, [request, { since, count: count + 1 }]]),
  };
};
