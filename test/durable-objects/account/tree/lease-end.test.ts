import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { LeaseRequest } from '../../../../src/protocol/account/lease.ts';
import { AgentAccount } from '../../../../durable-objects/account/agent-account.ts';
import { accountOf, purseOf, storeExported, stubOf, topUp } from '../../support.ts';
import {
  branchWith,
  callOnce,
  callWhile,
  denialOf,
  limitOf,
  LONG,
  pass,
  type Passing,
  putToSleep,
  restore,
  ruleOf,
  watchLeases,
  watchRecalls,
} from '../../tree-support.ts';
import { begin, expectSpent, fleetOf, WINDOW, windowOf } from './fleets.ts';

afterEach(restore);

describe('an account that has become idle', () => {
  const idle = async () => {
    const fleet = await fleetOf(2, 1_000, 1_000n);
    for (let i = 0; i < 5; i += 1) expect(ruleOf(await callOnce(fleet.first, 20n))).toBe('go');
    const { held } = await limitOf(fleet.owner, WINDOW);
    expect(BigInt(held)).toBeGreaterThan(0n);
    return fleet;
  };

  test.for([false, true])(
    'returns unused shares, also when its object slept meanwhile: %s',
    async (slept) => {
      const { owner, first, second } = await idle();
      const recalls = watchRecalls();
      pass(70);
      if (slept) await putToSleep(first);
      await runDurableObjectAlarm(stubOf(first));
      expect(await limitOf(owner, WINDOW)).toMatchObject({ spent: '100', held: '0' });
      expect(await purseOf(owner)).toMatchObject({ credit: '900', creditLent: '0' });
      // The agent returned its share itself, so no ancestor has to recall it.
      expect(ruleOf(await callOnce(owner, 500n))).toBe('go');
      expect(ruleOf(await callOnce(second, 400n))).toBe('go');
      expect(recalls).toEqual([]);
      expect(ruleOf(await callOnce(first, 1n))).toBe('window');
    },
  );

  test('runs one alarm for the return, and then no more', async () => {
    const { first } = await idle();
    await storeExported(first);
    await putToSleep(first);
    pass(70);
    // The second alarm may only check that nothing is left.
    for (let i = 0; i < 2; i += 1) await runDurableObjectAlarm(stubOf(first));
    const alarm = (): Promise<number | null> =>
      runInDurableObject(stubOf(first), (_, { storage }) => storage.getAlarm());
    const next = await alarm();
    // The only remaining work is to prune its calls, an hour later.
    expect(next ?? Number.MAX_SAFE_INTEGER).toBeGreaterThan(Date.now() + 600_000);
  });

  test('reports a return whose report was lost with its next request', async () => {
    const { owner, first, second } = await idle();
    pass(70);
    vi.spyOn(AgentAccount.prototype, 'giveBack').mockResolvedValueOnce({ verdict: 'unavailable' });
    await runDurableObjectAlarm(stubOf(first));
    expect((await limitOf(owner, WINDOW)).held).not.toBe('0');
    await putToSleep(first);
    expect((await callWhile(second, 20n)).went).toBe(45);
    await expectSpent(owner, 1_000);
  });

  test('sends each ancestor one request after a restart', async () => {
    const { owner, agents, first } = await fleetOf(1, 10_000);
    for (let i = 0; i < 3; i += 1) expect(ruleOf(await callOnce(first, 20n))).toBe('go');
    const leases = watchLeases();
    for (const ends of ['the lease', 'the share'] as const) {
      pass(70);
      if (ends === 'the share') await runDurableObjectAlarm(stubOf(first));
      leases.length = 0;
      expect(ruleOf(await callOnce(first, 20n))).toBe('go');
      expect(leases.map(({ to }) => to)).toEqual([accountOf(owner)]);
    }
    expect(agents).toHaveLength(1);
  });

  test('sends each ancestor one request when it pays itself, and with two ancestors', async () => {
    const { owner, manager, agent } = await branchWith(10_000n, windowOf(5_000));
    await topUp(agent, 1_000n);
    expect(ruleOf(await callOnce(agent, 20n))).toBe('go');
    pass(70);
    const leases: Passing<LeaseRequest>[] = watchLeases();
    expect(ruleOf(await callOnce(agent, 20n))).toBe('go');
    expect(leases.map(({ to }) => to).toSorted()).toEqual(
      [owner, manager].map(accountOf).toSorted(),
    );
  });
});

describe('a window that ends', () => {
  test('leaves nothing behind: the next window is whole for every account', async () => {
    const { owner, first, second } = await fleetOf(2, 1_000);
    for (let round = 0; round < 3; round += 1) {
      // Both agents hold more than they used when the window ends.
      for (let i = 0; i < 4; i += 1) {
        for (const agent of [first, second]) expect(ruleOf(await callOnce(agent, 20n))).toBe('go');
      }
      if (round === 1) {
        expect((await callWhile(first, 20n)).went).toBe(42);
        expect(denialOf(await callOnce(second, 20n))).toMatchObject({
          rule: 'window',
          retryAllowed: true,
          limit: { spent: '1000', remaining: '0', window: LONG },
        });
      }
      pass(LONG);
      expect(await limitOf(owner, WINDOW)).toMatchObject({ spent: '0', held: '0' });
    }
    expect((await callWhile(second, 20n)).went).toBe(50);
    await expectSpent(owner, 1_000);
  });

  test('counts a running call in its own window', async () => {
    const { owner, first, second } = await fleetOf(2, 1_000);
    const end = await begin(first, 900n, { timeoutSeconds: 3_000_000 });
    pass(LONG);
    expect((await callWhile(second, 100n)).went).toBe(10);
    expect(await end()).toMatchObject({ state: 'committed', charged: 900n });
    expect(ruleOf(await callOnce(first, 100n))).toBe('window');
    await expectSpent(owner, 1_000);
    expect((await purseOf(owner)).credit).toBe(`${1_000_000 - 1_900}`);
  });

  test('is whole again for the parent’s own calls', async () => {
    const { owner, first } = await fleetOf(1, 1_000);
    for (let i = 0; i < 4; i += 1) expect(ruleOf(await callOnce(first, 20n))).toBe('go');
    pass(LONG);
    const recalls = watchRecalls();
    expect(ruleOf(await callOnce(owner, 1_000n))).toBe('go');
    expect(ruleOf(await callOnce(owner, 1n))).toBe('window');
    // No agent holds a share of this window.
    expect(recalls).toEqual([]);
  });
});
