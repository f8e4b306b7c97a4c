import { afterEach, describe, expect, test } from 'vitest';
import { nowSeconds } from '../../../../src/core/clock.ts';
import { periodOf } from '../../../../src/policy/window.ts';
import type { LeaseRequest, LeaseVerdict } from '../../../../src/protocol/account/lease.ts';
import { accountOf, purseOf, stubOf } from '../../support.ts';
import {
  branchWith,
  callOnce,
  callWhile,
  denialOf,
  freeOnce,
  limitOf,
  LONG,
  pass,
  pause,
  putToSleep,
  restore,
  ruleOf,
  watchLeases,
} from '../../tree-support.ts';
import { begin, callsOf, expectSpent, fleetOf, WINDOW, windowOf } from './fleets.ts';

afterEach(restore);

describe('totals that only grow', () => {
  test('a lost reply denies the call, and no unit is lost', async () => {
    const { owner, first, second } = await fleetOf(2, 1_000);
    const leases = watchLeases(async (_, real) => {
      const reply = await real();
      return leases.length === 1 ? { verdict: 'unavailable' } : reply;
    });
    expect(denialOf(await callOnce(first, 100n))).toMatchObject({
      rule: 'unreachable',
      account: accountOf(owner),
      retryAllowed: true,
    });
    const counted = await limitOf(owner, WINDOW);
    expect(counted).toMatchObject({ spent: '0', held: '100' });
    // The next request reports the known totals, and the answer repeats the earlier grant.
    expect(ruleOf(await callOnce(first, 100n))).toBe('go');
    expect(await limitOf(owner, WINDOW)).toEqual(counted);
    expect(await callWhile(second, 100n)).toMatchObject({ went: 9, denial: { rule: 'window' } });
    await expectSpent(owner, 1_000);
  });

  test('with every third reply lost and every object restarted, the whole limit is used and no more', async () => {
    const { owner, agents, first, second } = await fleetOf(2, 2_000);
    const leases = watchLeases(async (_, real) => {
      const reply = await real();
      return leases.length % 3 === 1 ? { verdict: 'unavailable' } : reply;
    });
    let went = 0;
    for (let round = 0; round < 60; round += 1) {
      if (ruleOf(await callOnce(agents[round % 2] ?? first, 100n)) === 'go') went += 1;
      await putToSleep(round % 3 === 0 ? owner : round % 3 === 1 ? first : second);
    }
    restore();
    expect(went).toBeGreaterThan(10);
    expect(went + (await callWhile(second, 100n)).went).toBe(20);
    await expectSpent(owner, 2_000);
  });

  test('a request that comes twice, or again after newer ones, grants nothing more', async () => {
    const { owner, first, second } = await fleetOf(2, 1_000);
    const leases = watchLeases();
    for (let i = 0; i < 4; i += 1) expect(ruleOf(await callOnce(first, 100n))).toBe('go');
    const requests: LeaseRequest[] = leases.map(({ message }) => message);
    expect(requests.length).toBeGreaterThan(1);
    const before = await limitOf(owner, WINDOW);
    const credit = await purseOf(owner);
    for (const request of [...requests, ...requests.toReversed(), ...requests]) {
      const reply = await stubOf(owner).lease(request);
      expect(reply.verdict).toBe('leased');
    }
    expect(await limitOf(owner, WINDOW)).toEqual(before);
    expect(await purseOf(owner)).toEqual(credit);
    // The repeats lent nothing more, so the second agent gets everything that remains.
    expect((await callWhile(second, 100n)).went).toBe(6);
    expect(ruleOf(await callOnce(first, 100n))).toBe('window');
    await expectSpent(owner, 1_000);
  });

  test('a reply that arrives after a recall grants nothing again', async () => {
    const { owner, first, second } = await fleetOf(2, 1_000);
    for (let i = 0; i < 2; i += 1) expect(ruleOf(await callOnce(first, 100n))).toBe('go');
    let granted: () => void = () => undefined;
    const isGranted = new Promise<void>((resolve) => {
      granted = resolve;
    });
    let arrive: () => void = () => undefined;
    const mayArrive = new Promise<void>((resolve) => {
      arrive = resolve;
    });
    const held: LeaseVerdict[] = [];
    watchLeases(async ({ message }, real) => {
      const reply = await real();
      if (message.child !== accountOf(first) || held.length > 0) return reply;
      held.push(reply);
      granted();
      await mayArrive;
      return reply;
    });
    const calling = callOnce(first, 300n);
    await isGranted;
    // The second agent takes everything that remains, including shares that are being returned.
    expect((await callWhile(second, 100n)).went).toBe(8);
    arrive();
    expect(ruleOf(await calling)).toBe('window');
    await expectSpent(owner, 1_000);
  });

  test('a child that reports more than it was granted is capped', async () => {
    const { owner, first, second, grants } = await fleetOf(2, 1_000);
    expect(ruleOf(await callOnce(first, 100n))).toBe('go');
    const start = periodOf(LONG, nowSeconds()).start;
    const lie = { start, granted: 0n, returned: 10n ** 9n, spent: 0n, held: 0n };
    for (const share of [lie, { ...lie, returned: 0n, spent: 10n ** 9n }]) {
      await stubOf(owner).giveBack(accountOf(first), {
        [grants[0] ?? '0x']: { [`${LONG}s`]: share },
      });
      const { spent, held } = await limitOf(owner, WINDOW);
      expect(BigInt(spent)).toBeLessThanOrEqual(100n);
      expect(BigInt(held)).toBeGreaterThanOrEqual(0n);
    }
    expect((await callWhile(second, 100n)).went).toBeLessThanOrEqual(10);
  });
});

describe('an ancestor that cannot be reached', () => {
  const ways: readonly (readonly [string, () => Promise<LeaseVerdict>])[] = [
    ['it is unavailable', () => Promise.resolve({ verdict: 'unavailable' })],
    ['it throws', () => Promise.reject(new Error('no such object'))],
    [
      'it hangs',
      async () => {
        await pause(6_000);
        return { verdict: 'unavailable' };
      },
    ],
  ];

  test.for(ways)('denies the call, and admits nothing: %s', async ([, way]) => {
    for (const level of ['owner', 'manager'] as const) {
      const branch = await branchWith(10_000n, windowOf(1_000));
      const { owner, agent, [level]: silent } = branch;
      watchLeases(({ to }, real) => (to === accountOf(silent) ? way() : real()));
      const verdicts = await Promise.all([callOnce(agent, 100n), freeOnce(agent)]);
      for (const verdict of verdicts) {
        const denial = denialOf(verdict);
        expect(denial).toMatchObject({
          rule: 'unreachable',
          account: accountOf(silent),
          retryAllowed: true,
        });
        expect(denial.retryAfter).toBeGreaterThan(0);
      }
      expect(await callsOf(agent)).toBe(0);
      restore();
      expect(await callWhile(agent, 100n)).toMatchObject({ went: 10, denial: { rule: 'window' } });
      await expectSpent(owner, 1_000);
    }
  });

  test('does not stop calls that a live lease covers', async () => {
    const { owner, first } = await fleetOf(1, 30_000);
    for (let i = 0; i < 6; i += 1) expect(ruleOf(await callOnce(first, 100n))).toBe('go');
    watchLeases(() => Promise.resolve({ verdict: 'unavailable' }));
    const { went, denial } = await callWhile(first, 100n);
    expect(went).toBeGreaterThan(0);
    expect(denial).toMatchObject({ rule: 'unreachable' });
    expect(ruleOf(await freeOnce(first))).toBe('go');
    pass(60);
    expect(ruleOf(await freeOnce(first))).toBe('unreachable');
    restore();
    expect((await callWhile(first, 100n)).went).toBe(300 - 6 - went);
    await expectSpent(owner, 30_000);
  });
});

describe('a restart', () => {
  test.for(['parent', 'child', 'both'] as const)('of the %s loses no unit', async (who) => {
    const { owner, agents, first } = await fleetOf(2, 3_000);
    let went = 0;
    for (let round = 0; round < 40; round += 1) {
      const agent = agents[round % 2] ?? first;
      if (ruleOf(await callOnce(agent, 100n)) === 'go') went += 1;
      if (who !== 'child') await putToSleep(owner);
      if (who !== 'parent') await putToSleep(agent);
    }
    expect(went).toBe(30);
    await expectSpent(owner, 3_000);
  });

  test('during a call keeps what the call holds', async () => {
    const { owner, first, second } = await fleetOf(2, 1_000);
    const end = await begin(first, 400n);
    for (const each of [owner, first]) await putToSleep(each);
    expect((await callWhile(second, 100n)).went).toBe(6);
    for (const each of [owner, first]) await putToSleep(each);
    expect(await end()).toMatchObject({ state: 'committed', charged: 400n });
    expect(ruleOf(await callOnce(second, 100n))).toBe('window');
    await expectSpent(owner, 1_000);
  });
});
