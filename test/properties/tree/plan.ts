import fc from 'fast-check';
import type { Limits } from './limits.ts';

/** A grant to make: its limits and its validity. */
export type GrantPlan = {
  readonly perCall: bigint;
  readonly total: bigint;
  readonly seconds: bigint;
  readonly inWindow: bigint;
  readonly life: number;
  readonly byContract: boolean;
};

export type MemberPlan = {
  /** Index of the parent. Undefined for an owner. */
  readonly parent: number | undefined;
  readonly grants: readonly GrantPlan[];
  readonly operator: Limits | undefined;
  readonly owner: Limits | undefined;
  readonly credit: bigint;
};

/** The members of a tree and their limits. */
export type Plan = { readonly start: number; readonly members: readonly MemberPlan[] };

/** A window of every kind, and the lifetime limit. */
const COUNTERS = ['hour', 'day', 'month', '60s', '90s', 'lifetime'] as const;
const PLENTY = 1_000_000n;
/** Start times. Shortly before the end of a month, all periods end at once. */
const STARTS = [
  Date.UTC(2027, 0, 31, 23, 59, 15) / 1000,
  Date.UTC(2027, 1, 14, 12, 58, 50) / 1000,
  Date.UTC(2027, 1, 14, 12, 0, 0) / 1000,
];

const ALONE = [[undefined], [undefined, 0]];
/** Member 0 is the owner. One or two managers, two or three agents, and chains of one to three grants follow. */
const TREES = [
  [undefined, 0, 1, 1],
  [undefined, 0, 0, 1],
  [undefined, 0, 0, 1, 2],
  [undefined, 0, 1, 2, 2],
  [undefined, 0, 1, 2, 1, 0],
  [undefined, 0, 0, 1, 1, 2],
];

/** Derives choices from one random number: much faster than a tree of arbitraries, and it still shrinks and replays. */
export const chooser = (seed: number) => {
  let left = seed;
  const below = (count: number): number => {
    const choice = left % count;
    left = Math.floor(left / count);
    return choice;
  };
  return { below, of: <T>(list: readonly T[]): T => list[below(list.length)] as T };
};

/** Draws one or two limits low enough that a few calls reach them. */
export const limitsOf = (seed: number): Limits => {
  const { below, of } = chooser(seed);
  const amount = (): bigint => BigInt(below(50) + 5);
  const first = { [of(COUNTERS)]: amount() };
  const counters = below(2) === 0 ? first : { ...first, [of(COUNTERS)]: amount() };
  return below(7) === 6 ? { counters, perCall: BigInt(below(9) + 4) } : { counters };
};

export const grantOf = (seed: number): GrantPlan => {
  const { below, of } = chooser(seed);
  return {
    total: of([PLENTY, PLENTY, 25n, 60n]),
    seconds: of([0n, 0n, 60n, 90n]),
    inWindow: BigInt(below(30) + 10),
    perCall: below(8) === 7 ? 15n : PLENTY,
    life: below(9) === 8 ? 100 : 1_000_000,
    byContract: below(10) === 9,
  };
};

/** Narrows a grant to its parent grant, because accounts reject a wider one. */
export const within = (plan: GrantPlan, parent: GrantPlan | undefined): GrantPlan => {
  const least = (a: bigint, b: bigint): bigint => (a < b ? a : b);
  if (parent === undefined) return plan;
  const seconds = plan.seconds > parent.seconds ? plan.seconds : parent.seconds;
  return {
    ...plan,
    perCall: least(plan.perCall, parent.perCall),
    total: least(plan.total, parent.total),
    seconds,
    inWindow: parent.seconds > 0n ? least(plan.inWindow, parent.inWindow) : plan.inWindow,
    life: Math.min(plan.life, parent.life),
  };
};

const SEED = fc.noBias(fc.integer({ min: 0, max: 2 ** 31 - 1 }));

const membersOf =
  (shapes: readonly (readonly (number | undefined)[])[]) =>
  ([shape, ...seeds]: readonly number[]): readonly MemberPlan[] =>
    (shapes[(shape as number) % shapes.length] ?? []).map((parent, index, all) => {
      const [which, operator, owner, first, second] = seeds.slice(index * 5) as number[];
      const { below, of } = chooser(which ?? 0);
      const isAlone = all.length <= 2;
      // If the run tests a single account, its ancestor sets no limit.
      const isFree = all.length === 2 && index === 0;
      const granted = below(6) === 5 ? [first ?? 0, second ?? 0] : [first ?? 0];
      return {
        parent,
        grants: parent === undefined ? [] : granted.map(grantOf),
        operator: !isFree && below(isAlone ? 4 : 2) !== 1 ? limitsOf(operator ?? 0) : undefined,
        owner: !isFree && below(isAlone ? 2 : 4) === 0 ? limitsOf(owner ?? 0) : undefined,
        credit:
          parent === undefined
            ? of([40n, 90n, PLENTY, PLENTY])
            : of([0n, 0n, 0n, 0n, isAlone ? PLENTY : 30n]),
      };
    });

/** Draws six members with five seeds each, and the shape of their tree. */
const plansOf = (shapes: readonly (readonly (number | undefined)[])[]): fc.Arbitrary<Plan> =>
  fc.tuple(SEED, fc.array(SEED, { minLength: 31, maxLength: 31 })).map(([start, seeds]) => ({
    start: STARTS[start % STARTS.length] as number,
    members: membersOf(shapes)(seeds),
  }));

export const alonePlans = plansOf(ALONE);
export const treePlans = plansOf(TREES);
