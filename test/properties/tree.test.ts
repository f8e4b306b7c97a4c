import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { OF_ONE, OF_TREE, openEvents } from './tree/events.ts';
import { LEFT_HELD } from './tree/left-held.ts';
import { alonePlans, type Plan, treePlans } from './tree/plan.ts';
import { checkAtRest } from './tree/rest.ts';
import { steps } from './tree/steps.ts';
import { openWorld } from './tree/world.ts';

/** Runs random commands against the reference model, which checks each admitted call. Then completes all messages and calls. */
const tryAll = (plans: fc.Arbitrary<Plan>, runs: number, needed: readonly string[]): void => {
  const { note, missed } = openEvents();
  fc.assert(
    fc.property(plans, steps, fc.nat(41), (plan, list, who) => {
      const world = openWorld(plan, list, note);
      world.run();
      checkAtRest(world, who);
    }),
    { numRuns: runs },
  );
  expect(missed(needed)).toEqual([]);
};

/** Replay a sequence with the seed and path that fast-check prints, as second argument of `fc.assert`. */
describe('any sequence of commands', { timeout: 180_000 }, () => {
  test('exceeds no limit of a single account, and leaves no unit unusable', () => {
    tryAll(alonePlans, 6_000, OF_ONE);
  });

  test('exceeds no limit in a tree, admits no call against an acknowledged change, and loses no money', () => {
    tryAll(treePlans, 4_000, OF_TREE);
  });

  test('recalls shares that the parent counts as held after the child has closed its counter', () => {
    const { note } = openEvents();
    const [plan, list, who] = LEFT_HELD;
    const world = openWorld(plan, list, note);
    world.run();
    checkAtRest(world, who);
  });
});
