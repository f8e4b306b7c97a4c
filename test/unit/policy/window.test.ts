import { describe, expect, test } from 'vitest';
import { evaluate } from '../../../src/policy/evaluate.ts';
import type { Policy } from '../../../src/policy/policy.ts';
import { everyOf, periodOf, rolled, windowName } from '../../../src/policy/window.ts';

describe('windows', () => {
  test('periods are fixed, in UTC, and end where the next begins', () => {
    const noon = Date.UTC(2026, 1, 28, 12) / 1000;
    expect(periodOf('hour', noon)).toEqual({ start: noon, end: noon + 3_600 });
    expect(periodOf('day', noon)).toEqual({ start: noon - 43_200, end: noon + 43_200 });
    expect(periodOf('month', noon)).toEqual({
      start: Date.UTC(2026, 1, 1) / 1000,
      end: Date.UTC(2026, 2, 1) / 1000,
    });
    expect(periodOf(10, 25)).toEqual({ start: 20, end: 30 });
    expect(periodOf('hour', noon + 3_600).start).toBe(periodOf('hour', noon).end);
    for (const every of ['hour', 'day', 'month', 90] as const) {
      expect(everyOf(windowName(every))).toBe(every);
    }
  });

  test('law 6: a clock that steps back over a boundary opens no second budget', () => {
    const spend = { start: 3_600, spent: 5n, held: 0n };
    expect(rolled(spend, 'hour', 3_599)).toBe(spend);
    expect(rolled(spend, 'hour', 3_600)).toBe(spend);
    expect(rolled(spend, 'hour', 7_200)).toEqual({ start: 7_200, spent: 0n, held: 0n });
  });

  test('law 6: the last unit is usable and the next one is not', () => {
    const policy: Policy = {
      perCall: 100n,
      exposure: 100n,
      rate: { limit: 10, seconds: 60 },
      windows: [{ every: 'day', limit: 50n }],
    };
    const usage = {
      account: 'eip155:1:0x' as const,
      windows: { day: { start: 0, spent: 30n, held: 10n } },
      arrival: 0,
    };
    expect(evaluate(policy, usage, 10n, 100).allowed).toBe(true);
    expect(evaluate(policy, usage, 11n, 100)).toMatchObject({
      allowed: false,
      rule: 'window',
      retryAfter: 86_300,
      limit: { limit: '50', spent: '30', held: '10', remaining: '10', resetsAt: 86_400 },
    });
    expect(evaluate(policy, usage, 101n, 100)).toMatchObject({ rule: 'per_call' });
  });

  test('the rate lets a burst through, then one at a time', () => {
    const policy: Policy = {
      perCall: 1n,
      exposure: 1n,
      rate: { limit: 3, seconds: 30 },
      windows: [],
    };
    let arrival = 0;
    const admitted = [0, 0, 0, 0, 9, 10, 11, 20].map((now) => {
      const verdict = evaluate(policy, { account: 'eip155:1:0x', windows: {}, arrival }, 0n, now);
      if (verdict.allowed) ({ arrival } = verdict);
      return verdict.allowed;
    });
    expect(admitted).toEqual([true, true, true, false, false, true, false, true]);
  });
});
