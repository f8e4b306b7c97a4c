import { describe, expect, test } from 'vitest';
import { wrongs } from '../falsify/figures.ts';
import { leasesAfterPause } from '../falsify/idle.ts';
import { KINDS } from '../falsify/kind.ts';
import { runScenario } from '../falsify/scenario.ts';
import { runSkew } from '../falsify/skew.ts';

/** As `npm run falsify`, small enough for every change. */
const SEED = 4;
const CALLS = 6;
/** Longer than in `npm run falsify`: here other tests run at the same time. */
const MOST_MS = 20_000;

const quiet = (): void => undefined;

describe('an owner with eight agents in three levels', () => {
  test.each(KINDS)(
    'stays inside its limits and can use them while everything fails: %s',
    async (kind) => {
      expect(wrongs(await runScenario(SEED, kind, CALLS, quiet)), `seed ${SEED}`).toEqual([]);
    },
  );

  test.each(KINDS)(
    'leaves to one greedy account what seven others do not use: %s',
    async (kind) => {
      expect(wrongs(await runSkew(SEED, kind, MOST_MS, quiet)), `seed ${SEED}`).toEqual([]);
    },
  );
});

describe('an agent right below an owner that was idle for over a minute', () => {
  test.each(['lent', 'credit', 'payment'] as const)(
    'asks once for its next call: paid by %s',
    async (pays) => {
      expect(await leasesAfterPause(pays)).toBe(1);
    },
  );
});
