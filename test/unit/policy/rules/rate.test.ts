import { describe, expect, test } from 'vitest';
import { evaluate } from '../../../../src/policy/evaluate.ts';
import { NOW, ACCOUNT, subject, sourceOf, SLOW } from '../sources.ts';

describe('rate', () => {
  test('admits a burst, then one at a time', () => {
    let arrival = 0;
    const admitted = [0, 0, 0, 0, 9, 10, 11, 20].map((now) => {
      const source = sourceOf({ rate: { limit: 3, seconds: 30 } }, { arrival });
      const verdict = evaluate([source], { ...subject, validBefore: now }, now);
      if (verdict.allowed) arrival = verdict.arrivals.default ?? Number.NaN;
      return verdict.allowed;
    });
    expect(admitted).toEqual([true, true, true, false, false, true, false, true]);
  });

  test('a denied call counts nowhere, and each source counts separately', () => {
    const free = sourceOf({ rate: { limit: 2, seconds: 60 } }, { key: 'free', arrival: 0 });
    const elsewhere = sourceOf({ rate: SLOW }, { key: 'elsewhere' });
    const full = sourceOf({ rate: SLOW }, { key: 'full', arrival: (NOW + 30) * 1000 }, 'owner');
    expect(evaluate([free, elsewhere], subject, NOW)).toEqual({
      allowed: true,
      arrivals: { free: (NOW + 30) * 1000 },
      repeats: {},
    });
    expect(evaluate([free, full], subject, NOW)).toMatchObject({
      rule: 'rate',
      retryAfter: 30,
      limit: {
        // The time at which the next call is allowed, not the next whole burst.
        resetsAt: NOW + 30,
        rule: 'owner:rate',
        limit: '1',
        spent: '1',
        remaining: '0',
        window: 60,
        account: ACCOUNT,
      },
    });
  });
});
