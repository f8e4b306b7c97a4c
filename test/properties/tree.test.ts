import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { OF_ONE, OF_TREE, openEvents } from './tree/events.ts';
import { LEFT_HELD } from './tree/left-held.ts';
import { alonePlans, type Plan, treePlans } from './tree/plan.ts';
import { checkAtRest } from './tree/rest.ts';
import { steps } from './tree/steps.ts';
import { openWorld } from './tree/world.ts';

/** Runs random commands against the reference, which judges each call that is let through; then lets everything come to rest. */
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

/** Replay one with the seed and the path that fast-check prints, as second argument of `fc.assert`. */
describe('any sequence of commands', { timeout: 180_000 }, () => {
  test('passes no limit of an account alone, and leaves no unit of one unusable', () => {
    tryAll(alonePlans, 6_000, OF_ONE);
  });

  test('passes no limit in a tree, is let through by nobody who knows better, and loses no money', () => {
    tryAll(treePlans, 4_000, OF_TREE);
  });

  test('has back what the account above still counts as held, where a book is closed already', () => {
    const { note } = openEvents();
    const [plan, list, who] = LEFT_HELD;
    const world = openWorld(plan, list, note);
    world.run();
    checkAtRest(world, who);
  });
});
