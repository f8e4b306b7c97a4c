import { describe, expect, test } from 'vitest';
import { evaluate } from '../../../../src/policy/evaluate.ts';
import type { Repeats } from '../../../../src/policy/rule.ts';
import { NOW, subject, sourceOf } from '../sources.ts';

describe('repeats', () => {
  const looping = (repeats: Repeats) =>
    sourceOf({ repeat: { times: 2, seconds: 60 } }, { repeats });
  const next = (repeats: Repeats, request: `0x${string}`, now: number): Repeats | number => {
    const verdict = evaluate([looping(repeats)], { ...subject, request, validBefore: now }, now);
    if (verdict.allowed) return verdict.repeats.default ?? {};
    expect(verdict.rule).toBe('repeat');
    return verdict.retryAfter ?? 0;
  };

  test('denies the call after `times` until the period of the first is over', () => {
    const once = next({}, '0x01', 100) as Repeats;
    const twice = next(once, '0x01', 130) as Repeats;
    expect(twice).toEqual({ '0x01': { since: 100, count: 2 } });
    expect(next(twice, '0x01', 131)).toBe(29);
    expect(next(twice, '0x01', 159)).toBe(1);
    expect(next(twice, '0x01', 160)).toEqual({ '0x01': { since: 160, count: 1 } });
    expect(next(twice, '0x02', 131)).toEqual({ ...twice, '0x02': { since: 131, count: 1 } });
  });

  test('forgets requests whose period is over', () => {
    const old = { '0x01': { since: 100, count: 2 }, '0x02': { since: 150, count: 1 } };
    expect(next(old, '0x03', 170)).toEqual({
      '0x02': { since: 150, count: 1 },
      '0x03': { since: 170, count: 1 },
    });
  });

  test('counts at most 64 requests, and keeps a loop among them', () => {
    let repeats = next({}, '0xff', 100) as Repeats;
    for (let at = 0; at < 200; at += 1) {
      if (at === 50) repeats = next(repeats, '0xff', 100) as Repeats;
      repeats = next(repeats, `0x${at.toString(16).padStart(4, '0')}`, 100) as Repeats;
      expect(Object.keys(repeats).length).toBeLessThanOrEqual(64);
      if (at === 100) expect(next(repeats, '0xff', 100)).toBe(60);
    }
    expect(Object.keys(repeats)).toHaveLength(64);
    expect(next(repeats, '0xff', 100)).toMatchObject({ '0xff': { count: 1 } });
  });

  test('does not count a top-up', () => {
    const verdict = evaluate([looping({})], { ...subject, topUp: true }, NOW);
    expect(verdict).toEqual({ allowed: true, arrivals: {}, repeats: {} });
  });

  test('does not count if another account does', () => {
    const { repeats: _, ...elsewhere } = looping({});
    expect(evaluate([elsewhere], subject, NOW)).toEqual({
      allowed: true,
      arrivals: {},
      repeats: {},
    });
  });
});
