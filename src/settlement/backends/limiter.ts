import type { Clock } from '../../core/clock.ts';

/** The limits of one backend, per isolate. Times are milliseconds. */
export type Limits = { readonly concurrency: number; readonly perSecond?: number };

export type Limiter = {
  /** Returns a place for a request of at most `leaseMs`, or undefined if none is free within `waitMs`. */
  enter(waitMs: number, leaseMs: number): Promise<Place | undefined>;
};

/** A place at the backend. The caller leaves it when its request has ended. */
export type Place = { leave(): void };

/** How often a waiting request looks for a free place. */
const STEP_MS = 25;

/**
 * Limits the requests to one backend: places, and a token bucket that holds the tokens of one second.
 *
 * Race: a Worker cancels the I/O of a request whose client disconnected, and a promise of one request must not be resolved by another. So a
 * waiting request polls, and a place is leased: a place that was never left expires. A caller takes a place first and then the most urgent
 * payment, so that waiting does not change the order.
 */
export const openLimiter = ({ concurrency, perSecond }: Limits, clock: Clock): Limiter => {
  const leases = new Map<symbol, number>();
  let bucket: Bucket = { tokens: perSecond ?? 0, at: clock.now() };
  const tryEnter = (leaseMs: number): Place | undefined => {
    const now = clock.now();
    for (const [key, until] of leases) if (until <= now) leases.delete(key);
    if (leases.size >= concurrency) return undefined;
    if (perSecond !== undefined) {
      const taken = takeToken(bucket, perSecond, now);
      if (taken === undefined) return undefined;
      bucket = taken;
    }
    const key = Symbol('place');
    leases.set(key, now + leaseMs);
    return { leave: () => void leases.delete(key) };
  };
  return {
    enter: async (waitMs, leaseMs) => {
      const deadline = clock.now() + waitMs;
      for (;;) {
        const place = tryEnter(leaseMs);
        if (place !== undefined) return place;
        if (clock.now() + STEP_MS > deadline) return undefined;
        await clock.sleep(STEP_MS);
      }
    },
  };
};

/** The tokens at a moment of the clock. */
export type Bucket = { readonly tokens: number; readonly at: number };

/** The bucket after one token was taken, or undefined if it has none. It never holds more tokens than those of one second. */
export const takeToken = (bucket: Bucket, perSecond: number, now: number): Bucket | undefined => {
  const passed = Math.max(0, now - bucket.at);
  const tokens = Math.min(perSecond, bucket.tokens + (passed * perSecond) / 1_000);
  return tokens >= 1 ? { tokens: tokens - 1, at: now } : undefined;
};
