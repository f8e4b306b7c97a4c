import type { AccountId } from '../protocol/account-id.ts';
import type { Hex } from '../core/hex.ts';
import type { Seconds } from '../core/clock.ts';

/**
 * Proofs that have nothing left to run, as far as this isolate has seen: their calls were claimed, or they have expired. Whoever sends
 * one again repeats it. This decides nothing but whether a request is counted or turned away for a while: what is forgotten here, and
 * what other isolates saw, the account still knows (law 3).
 */
export type SpentProofs = {
  has(account: AccountId, call: Hex): boolean;
  add(account: AccountId, call: Hex): void;
  /** Repeats of an account come too fast: until then they need not be verified to be turned away. */
  crowd(account: AccountId, until: Seconds): void;
  isCrowded(account: AccountId, now: Seconds): boolean;
};

/** About two megabytes of text, and more calls than one isolate serves in ten seconds. */
const MOST_CALLS = 8_192;
const MOST_CROWDED = 1_024;

export const openSpentProofs = (most: number = MOST_CALLS): SpentProofs => {
  const calls = new Map<string, true>();
  const crowded = new Map<AccountId, Seconds>();
  // A nonce is the payer's choice: two accounts may have a call of one name.
  const keyOf = (account: AccountId, call: Hex): string => `${account} ${call}`;
  return {
    has: (account, call) => {
      const key = keyOf(account, call);
      if (!calls.has(key)) return false;
      // A proof that is replayed all the time must not be forgotten for calls that come once.
      keep(calls, key, true, most);
      return true;
    },
    add: (account, call) => keep(calls, keyOf(account, call), true, most),
    crowd: (account, until) => keep(crowded, account, until, MOST_CROWDED),
    isCrowded: (account, now) => (crowded.get(account) ?? 0) > now,
  };
};

/** Keeps the latest entries of a map. */
const keep = <Key, Value>(map: Map<Key, Value>, key: Key, value: Value, most: number): void => {
  map.delete(key);
  map.set(key, value);
  if (map.size <= most) return;
  for (const oldest of map.keys()) {
    map.delete(oldest);
    return;
  }
};
