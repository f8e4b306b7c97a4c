import fc from 'fast-check';
import { expect } from 'vitest';
import { checkAtRest } from './balance.ts';
import { openSimulation } from './simulation.ts';
import { plans, steps } from './steps.ts';

/** Events that every property must meet often. For example, a property that never meets a late finish proves nothing about it. */
const EVENTS = [
  'accepted deferred by deferred',
  'accepted deferred by credit',
  'accepted deferred by upfront',
  'accepted upfront by credit',
  'accepted upfront by upfront',
  'accepted credit by credit',
  'accepted intent by credit',
  'accepted free by free',
  'accepted topUpOwn by upfront',
  'topped up own',
  'variable price',
  'refund applied',
  'refund known',
  'call refund applied',
  'call refund refused',
  'finish finished',
  'finish late',
  'resolved: charged',
  'resolved: released',
  'resolved credit',
  'resolved upfront',
  'debt',
  'bounced',
  'suspended',
] as const;
const BETWEEN_TWO = ['topped up other', 'delivery applied', 'delivery known', 'delivery lost'];

/**
 * Runs random interleavings until all calls have ended, and then checks the ledgers. To replay one, pass the seed and path that fast-check
 * prints.
 */
export const interleave = (accounts: 1 | 2, runs: number, seed: number): void => {
  const seen = new Map<string, number>();
  fc.assert(
    fc.property(plans, steps, (calls, deeds) => {
      const simulation = openSimulation(calls, accounts, seen);
      for (const step of deeds) simulation.take(step);
      simulation.rest();
      checkAtRest(simulation);
    }),
    { numRuns: runs, seed },
  );
  const needed = accounts === 1 ? EVENTS : [...EVENTS, ...BETWEEN_TWO];
  const missed = needed.filter((event) => (seen.get(event) ?? 0) < runs / 4_000);
  expect({ missed, seen: missed.length === 0 ? 'enough' : Object.fromEntries(seen) }).toEqual({
    missed: [],
    seen: 'enough',
  });
};
