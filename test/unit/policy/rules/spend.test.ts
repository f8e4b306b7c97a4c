import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { evaluate } from '../../../../src/policy/evaluate.ts';
import { type Policy } from '../../../../src/policy/policy.ts';
import { type Source } from '../../../../src/policy/evaluate.ts';
import { NOW, subject, sourceOf, counter } from '../sources.ts';

describe('money', () => {
  test('law 6: the last unit is usable and the next one is not', () => {
    const source = sourceOf({}, { counters: [counter('window', { held: 10n })] });
    expect(evaluate([source], subject, NOW).allowed).toBe(true);
    expect(evaluate([source], { ...subject, price: 11n }, NOW)).toMatchObject({
      allowed: false,
      rule: 'window',
      retryAfter: 85_400,
      counter: { name: 'day' },
      limit: {
        rule: 'window:day',
        limit: '50',
        spent: '30',
        held: '10',
        remaining: '10',
        resetsAt: 86_400,
        window: 86_400,
      },
    });
  });

  test('law 6: no call passes a counter of any source, in any order', () => {
    const units = fc.bigInt({ min: 0n, max: 20n });
    const counters = fc.array(
      fc.record({ limit: units, spent: units, held: units }).map((each) => counter('window', each)),
      { maxLength: 3 },
    );
    fc.assert(
      fc.property(
        fc.array(counters, { maxLength: 4 }),
        fc.bigInt({ min: 1n, max: 20n }),
        (all, price) => {
          const sources = all.map((list) => sourceOf({}, { counters: list }));
          const fits = all.flat().every(({ limit, spent, held }) => spent + held + price <= limit);
          expect(evaluate(sources, { ...subject, price }, NOW).allowed).toBe(fits);
          expect(evaluate(sources.toReversed(), { ...subject, price }, NOW).allowed).toBe(fits);
        },
      ),
      { numRuns: 500 },
    );
  });

  test('states a retry time only if a later call can pass', () => {
    const refused = (policy: Partial<Policy>, rest: Partial<Source> = {}, price = 10n) =>
      evaluate([sourceOf(policy, rest)], { ...subject, price }, NOW);
    expect(refused({}, { counters: [counter('window')] }, 51n)).not.toHaveProperty('retryAfter');
    expect(refused({}, { counters: [counter('lifetime')] })).not.toHaveProperty('retryAfter');
    expect(refused({ perCall: 1n })).not.toHaveProperty('retryAfter');
    expect(refused({ validFrom: NOW + 7 })).toMatchObject({ retryAfter: 7 });
  });
});
