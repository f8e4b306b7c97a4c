import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { OF_ONE, OF_TREE, openEvents } from './tree/events.ts';
import { EXAMPLES } from './tree/examples.ts';
import { runsOf } from './runs.ts';
import { alonePlans, type Plan, treePlans } from './tree/plan.ts';
import { checkAtRest } from './tree/rest.ts';
import { type Step, steps } from './tree/steps.ts';
import { openWorld } from './tree/world.ts';

/** Runs commands against the reference model, which checks each accepted call. Then completes all messages and calls. */
const check = (
  plan: Plan,
  list: readonly Step[],
  who: number,
  note: (event: string) => void,
): void => {
  const world = openWorld(plan, list, note);
  world.run();
  checkAtRest(world, who);
};

/** Checks random commands. Each needed event must occur so often that it occurs with another seed too. */
const tryAll = (plans: fc.Arbitrary<Plan>, runs: number, needed: readonly string[]): void => {
  const { note, missed } = openEvents();
  fc.assert(
    fc.property(plans, steps, fc.nat(41), (plan, list, who) => check(plan, list, who, note)),
    { numRuns: runs },
  );
  expect(missed(needed)).toEqual([]);
};

/** To replay a sequence, pass the seed and path that fast-check prints as the second argument of `fc.assert`. */
describe('any sequence of commands', () => {
  test('exceeds no limit of a single account, and leaves no unit unusable', () => {
    tryAll(alonePlans, runsOf(6_000), OF_ONE);
  });

  test('exceeds no limit in a tree, admits no call against an acknowledged change, and loses no money', () => {
    tryAll(treePlans, runsOf(4_000), OF_TREE);
  });
});

describe('an account in a tree', () => {
  test.each(Object.entries(EXAMPLES))('%s', (_, [plan, list, who]) => {
    check(plan, list, who, openEvents().note);
  });
});
