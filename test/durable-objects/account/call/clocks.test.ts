import { afterEach, describe, expect, test, vi } from 'vitest';
import type { Hex } from '../../../../src/core/hex.ts';
import { failure, purseOf, randomHex } from '../../support.ts';
import {
  callOnce,
  callWhile,
  denialOf,
  enrol,
  limitOf,
  ownerWith,
  restore,
  rowsOf,
  ruleOf,
  setStatus,
  watchLeases,
} from '../../tree-support.ts';

const realNow = Date.now.bind(Date);
let ahead = 0;

/** Sets all clocks to a time. They keep running. */
const clockTo = (seconds: number): void => {
  ahead = seconds * 1_000 - realNow();
  vi.spyOn(Date, 'now').mockImplementation(() => realNow() + ahead);
};

/** The start of an hour in the future, which the tests reach only by moving the clock. */
const edge = Math.ceil(realNow() / 3_600_000) * 3_600 + 7_200;

afterEach(() => {
  ahead = 0;
  restore();
});

const HOURLY = { windows: [{ every: 'hour', limit: '1000u' }] };
const RULE = 'window:hour';

/** An owner with an hourly limit of ten calls, and its agents. */
const fleetOf = async (size: number) => {
  const owner = await ownerWith(100_000n, HOURLY);
  const agents = Array.from({ length: size }, () => randomHex(20));
  for (const agent of agents) await enrol(owner, agent);
  const [first = owner, second = owner, third = owner] = agents;
  return { owner, first, second, third };
};

/** The owner's counter of the hour, after all descendants have reported. */
const reportedOf = async (owner: Hex) => {
  await setStatus(owner, 'paused');
  const { spent, held } = await limitOf(owner, RULE);
  return { spent, held };
};

describe('a clock that goes back over the start of a window', () => {
  test('does not reopen the ended window, nor exceed the limit of the new one', async () => {
    clockTo(edge - 30);
    const { owner, first, second, third } = await fleetOf(3);
    expect(await callWhile(first, 100n)).toMatchObject({ went: 10, denial: { rule: 'window' } });
    clockTo(edge + 1);
    expect(ruleOf(await callOnce(first, 100n))).toBe('go');
    clockTo(edge - 2);
    const { went: one } = await callWhile(second, 100n);
    clockTo(edge - 2);
    const { went: two, denial } = await callWhile(third, 100n);
    // The new hour is used up: one call before the clock went back, nine after.
    expect(one + two).toBe(9);
    expect(denial).toMatchObject({ rule: 'window', limit: { limit: '1000', remaining: '0' } });
    clockTo(edge + 600);
    for (const agent of [first, second, third, owner]) {
      expect(ruleOf(await callOnce(agent, 1n))).toBe('window');
    }
    expect(await reportedOf(owner)).toEqual({ spent: '1000', held: '0' });
    expect((await purseOf(owner)).credit).toBe(`${100_000 - 2_000}`);
  });

  test('exceeds no limit of the account itself, nor of its descendants afterwards', async () => {
    clockTo(edge - 30);
    const { owner, first } = await fleetOf(1);
    expect((await callWhile(owner, 100n)).went).toBe(10);
    clockTo(edge + 1);
    expect(ruleOf(await callOnce(owner, 100n))).toBe('go');
    clockTo(edge - 2);
    expect((await callWhile(owner, 100n, 5)).went).toBe(5);
    expect((await callWhile(first, 100n)).went).toBe(4);
    expect(ruleOf(await callOnce(owner, 1n))).toBe('window');
    clockTo(edge + 600);
    expect(ruleOf(await callOnce(owner, 1n))).toBe('window');
    expect(await reportedOf(owner)).toEqual({ spent: '1000', held: '0' });
  });

  test('leaves no hold of a failed call, so that the whole hour can be spent', async () => {
    clockTo(edge + 1);
    const owner = await ownerWith(100_000n, HOURLY);
    expect(ruleOf(await callOnce(owner, 100n))).toBe('go');
    clockTo(edge - 2);
    expect(ruleOf(await callOnce(owner, 600n, {}, failure))).toBe('go');
    clockTo(edge + 600);
    expect(await limitOf(owner, RULE)).toMatchObject({ spent: '100', held: '0' });
    expect((await callWhile(owner, 100n)).went).toBe(9);
  });

  test('leaves no hold of a descendant’s failed call in the limits of its ancestors', async () => {
    clockTo(edge + 1);
    const owner = await ownerWith(100_000n, HOURLY);
    const agent = randomHex(20);
    await enrol(owner, agent, { windowSeconds: 3_600n, maxPerWindow: 900n });
    expect(ruleOf(await callOnce(agent, 100n))).toBe('go');
    clockTo(edge - 2);
    expect(ruleOf(await callOnce(agent, 600n, {}, failure))).toBe('go');
    clockTo(edge + 600);
    expect(await callWhile(agent, 100n)).toMatchObject({ went: 8, denial: { rule: 'window' } });
    expect(await reportedOf(owner)).toEqual({ spent: '900', held: '0' });
  });
});

describe('a child whose clock is ahead of its parent’s at the start of a window', () => {
  /** Sets the parent's clock back by `seconds` while it answers. */
  const behind = (seconds: number) =>
    watchLeases(async (_, real) => {
      const kept = ahead;
      ahead -= seconds * 1_000;
      try {
        return await real();
      } finally {
        ahead = kept;
      }
    });

  // 20 s is far more than a call takes on a slow machine, during which the parent's clock advances.
  test.for([1, 20])('makes few requests and rows when it is %i s ahead', async (seconds) => {
    clockTo(edge - 30);
    const { owner, first } = await fleetOf(1);
    expect(ruleOf(await callOnce(first, 1n))).toBe('go');
    clockTo(edge);
    const before = await rowsOf(owner);
    const leases = behind(seconds);
    const verdict = await callOnce(first, 1n);
    expect(leases.length).toBeGreaterThan(0);
    expect(leases.length).toBeLessThan(70);
    expect((await rowsOf(owner)) - before).toBeLessThanOrEqual(12);
    // If the child's clock is one second ahead, the child waits. If it is further ahead, the child denies the call, which the caller may
    // retry.
    expect(verdict.verdict).toBe(seconds === 1 ? 'go' : 'unavailable');
    clockTo(edge + 60);
    expect((await callWhile(first, 100n)).went).toBe(seconds === 1 ? 9 : 10);
    expect(denialOf(await callOnce(first, 100n))).toMatchObject({ rule: 'window' });
  });
});
