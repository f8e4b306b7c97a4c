import { runDurableObjectAlarm } from 'cloudflare:test';
import { afterEach, describe, expect, test } from 'vitest';
import { nowSeconds } from '../../../../src/core/clock.ts';
import { periodOf } from '../../../../src/policy/window.ts';
import { assetId } from '../../../../src/protocol/account-id.ts';
import type { Shares } from '../../../../src/protocol/account/lease.ts';
import {
  ISSUED_LEASE,
  type IssuedLease,
} from '../../../../durable-objects/account/tree/issued-lease.ts';
import { put } from '../../../../durable-objects/store/noun.ts';
import { accountOf, asset, failure, randomHex, stubOf, success, token } from '../../support.ts';
import {
  callOnce,
  callWhile,
  denialOf,
  enrol,
  freeOnce,
  limitOf,
  LONG,
  ownerWith,
  pass,
  pause,
  putValues,
  restore,
  ruleOf,
  watchLeases,
  watchRecalls,
} from '../../tree-support.ts';
import { begin, expectSpent, fleetOf, WINDOW, windowOf } from './fleets.ts';

afterEach(restore);

const lost = (): never => {
  throw new Error('no share');
};

describe('the whole limit', () => {
  test('can be used by eight agents at once, and no unit twice', async () => {
    const { owner, agents } = await fleetOf(8, 4_321);
    const prices = [7n, 13n, 50n, 1n];
    const spent = await Promise.all(
      agents.map(async (agent) => {
        const verdicts = await Promise.all(
          Array.from({ length: 60 }, async (_, i) => {
            const price = prices[i % 4] ?? 1n;
            return ruleOf(await callOnce(agent, price)) === 'go' ? price : 0n;
          }),
        );
        return verdicts.reduce((sum, price) => sum + price, 0n);
      }),
    );
    const all = spent.reduce((sum, each) => sum + each, 0n);
    // The agents requested enough, and what remains is less than the smallest price that was denied last.
    expect(all).toBeLessThanOrEqual(4_321n);
    expect(all).toBeGreaterThanOrEqual(4_277n);
    await expectSpent(owner, Number(all));
  });

  test('is granted one need at a time near its end', async () => {
    const { owner, agents, first } = await fleetOf(4, 1_000);
    const unused: bigint[] = [];
    watchLeases(async (_, real) => {
      const reply = await real();
      if (reply.verdict === 'leased') {
        const { granted, returned, spent, held } = reply.shares[`${LONG}s`] ?? lost();
        unused.push(granted - returned - spent - held);
      }
      return reply;
    });
    let went = 0;
    for (let round = 0; round < 16; round += 1) {
      if (ruleOf(await callOnce(agents[round % 4] ?? first, 100n)) === 'go') went += 1;
    }
    expect(went).toBe(10);
    // When little remains, an agent gets no more than its call needs.
    expect(unused.slice(-3)).toEqual([100n, 100n, 100n]);
    await expectSpent(owner, 1_000);
  });

  test('can be used by one busy agent after seven slow ones', async () => {
    const { owner, agents } = await fleetOf(8, 4_000);
    const [greedy = owner, ...modest] = agents;
    for (const agent of modest) {
      for (let i = 0; i < 5; i += 1) expect(ruleOf(await callOnce(agent, 10n))).toBe('go');
    }
    const recalls = watchRecalls();
    const { went, denial } = await callWhile(greedy, 10n);
    expect(went).toBe(400 - 35);
    expect(denial).toMatchObject({
      rule: 'window',
      account: accountOf(owner),
      limit: { rule: WINDOW, limit: '4000', spent: '4000', held: '0', remaining: '0' },
    });
    expect(recalls.length).toBeGreaterThan(0);
    for (const agent of modest) expect(ruleOf(await callOnce(agent, 10n))).toBe('window');
    await expectSpent(owner, 4_000);
  });

  test('can be used by one agent at once', async () => {
    const { owner, agents } = await fleetOf(4, 3_000);
    const [greedy = owner, ...modest] = agents;
    for (const agent of modest) {
      for (let i = 0; i < 3; i += 1) expect(ruleOf(await callOnce(agent, 10n))).toBe('go');
    }
    const verdicts = await Promise.all(Array.from({ length: 400 }, () => callOnce(greedy, 10n)));
    expect(verdicts.filter(({ verdict }) => verdict === 'go')).toHaveLength(300 - 9);
    await expectSpent(owner, 3_000);
  });

  test('excludes what running calls hold, until they fail', async () => {
    const { owner, first, second } = await fleetOf(2, 1_000);
    const end = await begin(first, 600n);
    const { went, denial } = await callWhile(second, 100n);
    expect(went).toBe(4);
    expect(denial).toMatchObject({ limit: { spent: '400', held: '600', remaining: '0' } });
    expect(await end(failure)).toMatchObject({ state: 'released', charged: 0n });
    // The account does not immediately repeat a request for shares that only running calls hold.
    await pause(1_100);
    expect((await callWhile(second, 100n)).went).toBe(6);
    await expectSpent(owner, 1_000);
  });

  test('includes unused shares of an agent with a running call, without what that call holds', async () => {
    const { owner, first, second, grants } = await fleetOf(2, 1_000);
    for (let i = 0; i < 8; i += 1) expect(ruleOf(await callOnce(first, 10n))).toBe('go');
    const end = await begin(first, 10n);
    const reported: (Shares[string] | undefined)[] = [];
    watchRecalls(async ({ to }, real) => {
      const reply = await real();
      if (reply.verdict === 'returned' && to === accountOf(first)) {
        reported.push(reply.branches[grants[0] ?? '0x']?.[`${LONG}s`]);
      }
      return reply;
    });
    expect((await callWhile(second, 10n)).went).toBe(91);
    // When the recall arrived, the agent had spent 80 and held 10.
    const { granted, returned, spent, held } = reported[0] ?? lost();
    expect({ spent, held, rest: granted - returned }).toEqual({ spent: 80n, held: 10n, rest: 90n });
    expect(returned).toBeGreaterThan(0n);
    expect(await end()).toMatchObject({ state: 'committed', charged: 10n });
    await expectSpent(owner, 1_000);
  });

  test('includes the rest of a variable price, and what a silent failure released', async () => {
    const { owner, first, second } = await fleetOf(2, 1_000);
    const end = await begin(first, 500n);
    expect(await end({ ...success, amount: 120n })).toMatchObject({ charged: 120n });
    await begin(first, 300n);
    pass(100);
    await runDurableObjectAlarm(stubOf(first));
    expect((await callWhile(second, 40n)).went).toBe(22);
    await expectSpent(owner, 1_000);
  });

  test('can be used by the parent’s own calls', async () => {
    const { owner, agents } = await fleetOf(3, 1_000);
    for (const agent of agents) {
      for (let i = 0; i < 3; i += 1) expect(ruleOf(await callOnce(agent, 10n))).toBe('go');
    }
    const recalls = watchRecalls();
    expect(ruleOf(await callOnce(owner, 910n))).toBe('go');
    expect(recalls.map(({ to }) => to).toSorted()).toEqual(agents.map(accountOf).toSorted());
    expect(denialOf(await callOnce(owner, 1n))).toMatchObject({
      rule: 'window',
      account: accountOf(owner),
      limit: { spent: '1000', held: '0', remaining: '0' },
    });
    for (const agent of agents) expect(ruleOf(await callOnce(agent, 1n))).toBe('window');
  });

  test('is found behind many leases of an ended window', async () => {
    const { owner, first, second } = await fleetOf(2, 10_000);
    for (let i = 0; i < 5; i += 1) expect(ruleOf(await callOnce(first, 100n))).toBe('go');
    const past = periodOf(LONG, nowSeconds()).start - LONG;
    const shares: Shares = {
      [`${LONG}s`]: { start: past, granted: 9_000n, returned: 0n, spent: 0n, held: 0n },
    };
    const idle = Array.from({ length: 80 }, (): IssuedLease => ({
      child: accountOf(randomHex(20)),
      issued: randomHex(32),
      asset,
      until: 1_000,
      shares,
    }));
    await putValues(
      owner,
      idle.map((lease) => put(ISSUED_LEASE, lease)),
    );
    expect((await callWhile(second, 100n)).went).toBe(95);
    await expectSpent(owner, 10_000);
  });

  test('counts in the asset that is spent, whatever asset an earlier request had', async () => {
    const other = assetId(token.network, randomHex(20));
    const owner = await ownerWith(10_000n, windowOf(500));
    const [manager, agent] = [randomHex(20), randomHex(20)];
    const { hash: parent } = await enrol(owner, manager, { depth: 1 });
    // The account checks its ancestors before it issues a grant; a free call has no asset.
    await enrol(manager, agent, { parent });
    for (const payer of [manager, agent]) {
      expect(ruleOf(await freeOnce(payer, { asset: other }))).toBe('go');
    }
    expect((await callWhile(manager, 100n, 3)).went).toBe(3);
    expect((await callWhile(agent, 100n)).went).toBe(2);
    expect(ruleOf(await callOnce(manager, 100n))).toBe('window');
    await expectSpent(owner, 500);
  });
});

describe('a lifetime limit', () => {
  test('holds through three levels, whichever account spends it', async () => {
    const owner = await ownerWith(100_000n, { lifetime: '1000u' });
    const [manager, sibling] = [randomHex(20), randomHex(20)];
    const [agent, other] = [randomHex(20), randomHex(20)];
    const { hash: parent } = await enrol(owner, manager, { depth: 1, maxTotal: 700n });
    await enrol(owner, sibling);
    const { hash: own } = await enrol(manager, agent, { parent, maxTotal: 400n });
    await enrol(manager, other, { parent, maxTotal: 700n });
    expect(await callWhile(agent, 50n)).toMatchObject({
      went: 8,
      denial: { rule: 'lifetime', account: accountOf(agent), grant: own, retryAllowed: false },
    });
    expect(ruleOf(await callOnce(manager, 50n))).toBe('go');
    const second = await callWhile(other, 50n);
    expect(second).toMatchObject({
      went: 5,
      denial: {
        rule: 'lifetime',
        account: accountOf(manager),
        limit: { limit: '700', remaining: '0' },
        retryAllowed: false,
      },
    });
    expect(denialOf(await callOnce(manager, 50n))).toMatchObject({
      rule: 'lifetime',
      account: accountOf(manager),
    });
    pass(10 * 86_400);
    expect(await callWhile(sibling, 50n)).toMatchObject({
      went: 6,
      denial: {
        rule: 'lifetime',
        account: accountOf(owner),
        limit: { limit: '1000', spent: '1000', held: '0', remaining: '0' },
      },
    });
    expect(ruleOf(await callOnce(owner, 50n))).toBe('lifetime');
    expect(await limitOf(owner, 'lifetime')).toMatchObject({ spent: '1000', held: '0' });
  });
});
