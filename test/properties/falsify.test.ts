import { describe, expect, test } from 'vitest';
import { violations } from '../falsify/figures.ts';
import { leasesAfterPause } from '../falsify/idle.ts';
import { KINDS } from '../falsify/kind.ts';
import { runScenario } from '../falsify/scenario.ts';
import { runSkew } from '../falsify/skew.ts';

/** A run of `npm run falsify` that is short enough for every test run. */
const SEED = 4;
const CALLS = 6;
/** Longer than in `npm run falsify`, because other tests run at the same time. */
const MAX_MS = 20_000;

const quiet = (): void => undefined;

describe('an owner with eight agents in three levels', () => {
  test.each(KINDS)(
    'stays within its limits and can use all of them under faults: %s',
    async (kind) => {
      expect(violations(await runScenario(SEED, kind, CALLS, quiet)), `seed ${SEED}`).toEqual([]);
    },
  );

  test.each(KINDS)(
    'lets one greedy account use what the other accounts do not: %s',
    async (kind) => {
      expect(violations(await runSkew(SEED, kind, MAX_MS, quiet)), `seed ${SEED}`).toEqual([]);
    },
  );
});

describe('an agent that was idle for over a minute', () => {
  test.each(['lent', 'credit', 'payment'] as const)(
    'sends one lease request for its next call, paid by %s',
    async (pays) => {
      expect(await leasesAfterPause(pays)).toBe(1);
    },
  );
});
