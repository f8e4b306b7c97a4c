import fc from 'fast-check';
import { expect } from 'vitest';
import { purseOf } from '../../durable-objects/account/purse.ts';
import { checkAtRest, sum } from './balance.ts';
import { asset } from './simulated-account.ts';
import { openSimulation } from './simulation.ts';
import { meteredPlans, meteredSteps, plans, steps } from './steps.ts';

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

/** What may become of a payment that moves more than the charge of its metered call. */
const RESTS = [
  'rest credited at the end',
  'rest credited at settlement',
  'rest lost by the payer',
  'rest lost by the gateway',
  'rest bounced',
];

/** As `interleave`, with payments of metered calls only. */
export const interleaveMetered = (runs: number, seed: number): void => {
  const seen = new Map<string, number>();
  fc.assert(
    fc.property(meteredPlans, meteredSteps, (calls, deeds) => {
      const simulation = openSimulation(calls, 1, seen);
      for (const step of deeds) {
        simulation.take(step);
        for (const { state, records } of simulation.all) {
          const paid = [...records.values()].filter(({ payment }) => payment === 'settled');
          const most = sum(paid, ({ price, charged }) => price - charged);
          if (purseOf(state, asset).credit > most) expect(state.purses).toBe('paid for');
        }
      }
      simulation.rest();
      checkAtRest(simulation);
    }),
    { numRuns: runs, seed },
  );
  const missed = RESTS.filter((event) => (seen.get(event) ?? 0) < runs / 200);
  expect({ missed, seen: missed.length === 0 ? 'enough' : Object.fromEntries(seen) }).toEqual({
    missed: [],
    seen: 'enough',
  });
};

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
