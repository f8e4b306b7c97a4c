import fc from 'fast-check';
import { expect, test } from 'vitest';
import { openLimiter, takeToken } from '../../../../src/settlement/backends/limiter.ts';
import { standingClock } from '../scripted.ts';

test('gives as many places as configured, and another when one is left', async () => {
  const limiter = openLimiter({ concurrency: 2 }, standingClock());
  const first = await limiter.enter(0, 60_000);
  expect(await limiter.enter(0, 60_000)).toBeDefined();
  expect(await limiter.enter(1_000, 20_000)).toBeUndefined();
  first?.leave();
  first?.leave();
  expect(await limiter.enter(0, 60_000)).toBeDefined();
  expect(await limiter.enter(0, 60_000)).toBeUndefined();
});

test('gives a place after a wait, and bounds the wait', async () => {
  const clock = standingClock();
  const limiter = openLimiter({ concurrency: 1 }, clock);
  const first = await limiter.enter(0, 60_000);
  const from = clock.now();
  expect(await limiter.enter(500, 60_000)).toBeUndefined();
  expect(clock.now() - from).toBeLessThanOrEqual(500);
  const waiting = limiter.enter(500, 60_000);
  first?.leave();
  expect(await waiting).toBeDefined();
});

test('frees a place that was never left when its lease ends', async () => {
  const clock = standingClock();
  const limiter = openLimiter({ concurrency: 1 }, clock);
  await limiter.enter(0, 35_000);
  expect(await limiter.enter(34_000, 35_000)).toBeUndefined();
  expect(await limiter.enter(2_000, 35_000)).toBeDefined();
});

test('allows a burst of one second, then the rate', async () => {
  const clock = standingClock();
  const limiter = openLimiter({ concurrency: 1_000, perSecond: 5 }, clock);
  const enter = async (waitMs: number) => (await limiter.enter(waitMs, 1_000)) !== undefined;
  const at = clock.now();
  for (let count = 0; count < 5; count += 1) expect(await enter(0)).toBe(true);
  expect(await enter(0)).toBe(false);
  let entered = 0;
  while (clock.now() < at + 10_000) if (await enter(200)) entered += 1;
  expect(entered).toBeGreaterThanOrEqual(48);
  expect(entered).toBeLessThanOrEqual(50);
});

test('never gives more tokens than a burst and the rate since then', () => {
  const times = fc.array(fc.integer({ min: 0, max: 2_000 }), { minLength: 1, maxLength: 200 });
  fc.assert(
    fc.property(times, fc.integer({ min: 1, max: 1_000 }), (pauses, perSecond) => {
      let bucket = { tokens: perSecond, at: 0 };
      let now = 0;
      let taken = 0;
      for (const pause of pauses) {
        now += pause;
        const next = takeToken(bucket, perSecond, now);
        if (next === undefined) continue;
        bucket = next;
        taken += 1;
      }
      expect(taken).toBeLessThanOrEqual(perSecond + (now * perSecond) / 1_000 + 1e-6);
    }),
  );
});
