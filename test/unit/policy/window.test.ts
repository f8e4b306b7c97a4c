import { describe, expect, test } from 'vitest';
import { everyOf, periodOf, rolled, windowName } from '../../../src/policy/window.ts';

const spendOf = (start: number) => ({
  start,
  spent: 5n,
  held: 0n,
  leased: 2n,
  drawn: 1n,
  heldByDescendants: 1n,
});

describe('windows', () => {
  test('periods are fixed in UTC, and end where the next begins', () => {
    const noon = Date.UTC(2026, 1, 28, 12) / 1000;
    expect(periodOf('hour', noon)).toEqual({ start: noon, end: noon + 3_600 });
    expect(periodOf('day', noon)).toEqual({ start: noon - 43_200, end: noon + 43_200 });
    expect(periodOf('month', noon)).toEqual({
      start: Date.UTC(2026, 1, 1) / 1000,
      end: Date.UTC(2026, 2, 1) / 1000,
    });
    expect(periodOf(10, 25)).toEqual({ start: 20, end: 30 });
    expect(periodOf('hour', noon + 3_600).start).toBe(periodOf('hour', noon).end);
    expect(periodOf('lifetime', noon)).toEqual({ start: 0, end: Number.MAX_SAFE_INTEGER });
  });

  test('a name identifies its window, also with a grant in front', () => {
    for (const every of ['hour', 'day', 'month', 'lifetime', 90] as const) {
      expect(everyOf(windowName(every))).toBe(every);
      expect(everyOf(`0xab/${windowName(every)}`)).toBe(every);
    }
  });

  test('law 6: a clock that steps back over a boundary opens no second budget', () => {
    const spend = spendOf(3_600);
    expect(rolled(spend, 'hour', 3_599)).toEqual(spend);
    expect(rolled(spend, 'hour', 3_600)).toEqual(spend);
    expect(rolled(spend, 'hour', 7_200)).toEqual({
      start: 7_200,
      spent: 0n,
      held: 0n,
      leased: 0n,
      drawn: 0n,
      heldByDescendants: 0n,
    });
  });

  test('a lifetime never restarts', () => {
    expect(rolled(spendOf(0), 'lifetime', 2 ** 40)).toEqual(spendOf(0));
  });
});
