import type { Clock } from './clock.ts';

/** How much a backend is asked at once and a second; of one isolate. Times in milliseconds. */
export type Limits = { readonly concurrency: number; readonly perSecond?: number };

export type Limiter = {
  /** A place for a request that takes no longer than `leaseMs`, or undefined when there is none within `waitMs`. */
  enter(waitMs: number, leaseMs: number): Promise<Place | undefined>;
};

/** To be left when the request is over. */
export type Place = { leave(): void };

/** How often one who waits looks again. */
const STEP_MS = 25;

/**
 * Bounds requests to one backend: places, and a bucket of tokens that holds those of one second. Who waits looks again by
 * itself, because a promise of one request must not be resolved by another in a Worker; and a place is leased, because a
 * request that was cancelled never leaves it. So whoever has something to present asks for a place first and then takes the
 * most urgent payment: waiting does not disturb the order.
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

/** Tokens left when it was last looked at. */
export type Bucket = { readonly tokens: number; readonly at: number };

/** The bucket after one token was taken, or undefined where there is none yet. It never holds more than those of one second. */
export const takeToken = (bucket: Bucket, perSecond: number, now: number): Bucket | undefined => {
  const passed = Math.max(0, now - bucket.at);
  const tokens = Math.min(perSecond, bucket.tokens + (passed * perSecond) / 1_000);
  return tokens >= 1 ? { tokens: tokens - 1, at: now } : undefined;
};
