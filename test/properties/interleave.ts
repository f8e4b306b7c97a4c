import fc from 'fast-check';
import { expect } from 'vitest';
import { checkAtRest } from './balance.ts';
import { openBooks } from './books.ts';
import { plans, steps } from './steps.ts';

/** Events that every property here must have met often: one that never sees a late finish proves nothing of it. */
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
 * Runs random interleavings to their rest and checks the books. Replay one with the seed and the path that fast-check prints.
 */
export const interleave = (accounts: 1 | 2, runs: number, seed: number): void => {
  const seen = new Map<string, number>();
  fc.assert(
    fc.property(plans, steps, (calls, deeds) => {
      const books = openBooks(calls, accounts, seen);
      for (const step of deeds) books.take(step);
      books.rest();
      checkAtRest(books);
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
