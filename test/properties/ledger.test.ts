import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { plan, step } from './ledger-plans.ts';
import { newWorld, reached } from './ledger-world.ts';

describe('an account under any interleaving', () => {
  test('runs each call once, keeps every limit, and has a ledger that equals the chain (laws 3 to 7)', () => {
    fc.assert(
      fc.property(
        plan,
        fc.array(step, { minLength: 40, maxLength: 120, size: 'max' }),
        fc.integer({ min: 0, max: 200 }),
        fc.constantFrom(0n, 50n, 500n),
        (calls, steps, funds, trust) => {
          const world = newWorld(calls, BigInt(funds), trust);
          for (const one of steps) world.take(one);
          world.settleEverything();
          world.check();
        },
      ),
      { numRuns: 1_500 },
    );
    expect(Math.min(...Object.values(reached)), JSON.stringify(reached)).toBeGreaterThan(50);
  });
});
