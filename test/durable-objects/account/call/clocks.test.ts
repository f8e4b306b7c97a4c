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

/** Sets all clocks, forward or back; they go on running. */
const clockTo = (seconds: number): void => {
  ahead = seconds * 1_000 - realNow();
  vi.spyOn(Date, 'now').mockImplementation(() => realNow() + ahead);
};

/** The beginning of an hour that none of these tests reaches by itself. */
const edge = Math.ceil(realNow() / 3_600_000) * 3_600 + 7_200;

afterEach(() => {
  ahead = 0;
  restore();
});

const HOURLY = { windows: [{ every: 'hour', limit: '1000u' }] };
const RULE = 'window:hour';

/** An owner with an hour limit of ten calls, and agents below it. */
const fleetOf = async (size: number) => {
  const owner = await ownerWith(100_000n, HOURLY);
  const agents = Array.from({ length: size }, () => randomHex(20));
  for (const agent of agents) await enrol(owner, agent);
  const [first = owner, second = owner, third = owner] = agents;
  return { owner, first, second, third };
};

/** What is in use of the hour, once everybody below has told. */
const toldOf = async (owner: Hex) => {
  await setStatus(owner, 'paused');
  const { spent, held } = await limitOf(owner, RULE);
  return { spent, held };
};

describe('a clock that goes back over the edge of a window', () => {
  test('opens the window that has ended to nobody again, nor the new one beyond its limit', async () => {
    clockTo(edge - 30);
    const { owner, first, second, third } = await fleetOf(3);
    expect(await callWhile(first, 100n)).toMatchObject({ went: 10, denial: { rule: 'window' } });
    clockTo(edge + 1);
    expect(ruleOf(await callOnce(first, 100n))).toBe('go');
    clockTo(edge - 2);
    const { went: one } = await callWhile(second, 100n);
    clockTo(edge - 2);
    const { went: two, denial } = await callWhile(third, 100n);
    // All of them together have spent the new hour: one before the clock went back, nine after it.
    expect(one + two).toBe(9);
    expect(denial).toMatchObject({ rule: 'window', limit: { limit: '1000', remaining: '0' } });
    clockTo(edge + 600);
    for (const agent of [first, second, third, owner]) {
      expect(ruleOf(await callOnce(agent, 1n))).toBe('window');
    }
    expect(await toldOf(owner)).toEqual({ spent: '1000', held: '0' });
    expect((await purseOf(owner)).credit).toBe(`${100_000 - 2_000}`);
  });

  test('opens nothing to the account itself, nor to those below after it', async () => {
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
    expect(await toldOf(owner)).toEqual({ spent: '1000', held: '0' });
  });

  test('leaves nothing held of a call of its own that failed: all of the hour can be used', async () => {
    clockTo(edge + 1);
    const owner = await ownerWith(100_000n, HOURLY);
    expect(ruleOf(await callOnce(owner, 100n))).toBe('go');
    clockTo(edge - 2);
    expect(ruleOf(await callOnce(owner, 600n, {}, failure))).toBe('go');
    clockTo(edge + 600);
    expect(await limitOf(owner, RULE)).toMatchObject({ spent: '100', held: '0' });
    expect((await callWhile(owner, 100n)).went).toBe(9);
  });

  test('leaves nothing held of a call that failed further below, in no limit above it', async () => {
    clockTo(edge + 1);
    const owner = await ownerWith(100_000n, HOURLY);
    const agent = randomHex(20);
    await enrol(owner, agent, { windowSeconds: 3_600n, maxPerWindow: 900n });
    expect(ruleOf(await callOnce(agent, 100n))).toBe('go');
    clockTo(edge - 2);
    expect(ruleOf(await callOnce(agent, 600n, {}, failure))).toBe('go');
    clockTo(edge + 600);
    expect(await callWhile(agent, 100n)).toMatchObject({ went: 8, denial: { rule: 'window' } });
    expect(await toldOf(owner)).toEqual({ spent: '900', held: '0' });
  });
});

describe('a child whose clock runs before that of the account above, at the edge of a window', () => {
  /** What the account above reads while it answers, in seconds behind. */
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

  // Far more than a busy machine takes for the look-ups of a call: the clock above goes on meanwhile.
  test.for([1, 20])('by %i s costs it few rows and no storm of requests', async (seconds) => {
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
    // A second is waited for; who is further off is refused and may come again.
    expect(verdict.verdict).toBe(seconds === 1 ? 'go' : 'unavailable');
    clockTo(edge + 60);
    expect((await callWhile(first, 100n)).went).toBe(seconds === 1 ? 9 : 10);
    expect(denialOf(await callOnce(first, 100n))).toMatchObject({ rule: 'window' });
  });
});
