import type { Seconds } from '../core/clock.ts';
import type { Hex } from '../core/hex.ts';
import type { AccountId } from '../protocol/account-id.ts';

/**
 * Calls that this isolate has seen reserved or expired, and accounts whose replays are throttled. The cache only decides whether a
 * request counts against the rate limiter or is rejected early. The account still rejects what the cache forgot and what other isolates
 * saw (law 3).
 */
export type ReplayCache = {
  has(account: AccountId, call: Hex): boolean;
  add(account: AccountId, call: Hex): void;
  /** Rejects replays of an account without verification until then. */
  throttle(account: AccountId, until: Seconds): void;
  isThrottled(account: AccountId, now: Seconds): boolean;
};

/** About two megabytes of text, and more calls than one isolate serves in ten seconds. */
const MAX_CALLS = 8_192;
const MAX_THROTTLED = 1_024;

export const openReplayCache = (maxCalls: number = MAX_CALLS): ReplayCache => {
  const calls = new Map<string, true>();
  const throttled = new Map<AccountId, Seconds>();
  // The payer chooses the nonce, so two accounts may have the same call id.
  const keyOf = (account: AccountId, call: Hex): string => `${account} ${call}`;
  return {
    has: (account, call) => {
      const key = keyOf(account, call);
      if (!calls.has(key)) return false;
      // Refreshes the entry, so that a proof under constant replay stays longer than calls that were seen once.
      setNewest(calls, key, true, maxCalls);
      return true;
    },
    add: (account, call) => setNewest(calls, keyOf(account, call), true, maxCalls),
    throttle: (account, until) => setNewest(throttled, account, until, MAX_THROTTLED),
    isThrottled: (account, now) => (throttled.get(account) ?? 0) > now,
  };
};

/** Sets an entry as the newest and evicts the oldest beyond `max`. */
const setNewest = <Key, Value>(map: Map<Key, Value>, key: Key, value: Value, max: number): void => {
  map.delete(key);
  map.set(key, value);
  if (map.size <= max) return;
  for (const oldest of map.keys()) {
    map.delete(oldest);
    return;
  }
};
