import { runDurableObjectAlarm } from 'cloudflare:test';
import { ACCOUNT } from '../../../../durable-objects/account/state.ts';
import type { Hex } from '../../../../src/core/hex.ts';
import {
  asset,
  failNextWrite,
  failure,
  intentCallOf,
  randomHex,
  storedAccountOf,
  stubOf,
} from '../../support.ts';
import {
  AUDIENCE,
  branchWith,
  callOnce,
  enrol,
  freeOnce,
  limitOf,
  LONG,
  ownerWith,
  pass,
  putToSleep,
  restore,
  rowsOf,
  ruleOf,
  setPolicy,
} from '../../tree-support.ts';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { alertsOf, detailsOf, day } from './alert-support.ts';

/** An outbox sends once a second, and a slow machine takes longer. */
const PATIENCE = { timeout: 30_000 };

afterEach(restore);

/** An account that holds a running call. */
const hold = async (payer: Hex, price: bigint) => {
  const call = intentCallOf(payer, { price, settlement: 'credit', audience: AUDIENCE });
  const attempt = randomHex(16);
  expect((await stubOf(payer).reserve(call, attempt, {})).verdict).toBe('go');
  return { call, attempt };
};

describe('soft_limit', () => {
  test('is raised by the call that crosses 80 %, and by no other call', async () => {
    const payer = await ownerWith(100_000n, day('1000'));
    for (const price of [100n, 300n, 399n]) await callOnce(payer, price);
    expect(await alertsOf(payer)).toEqual([]);
    await callOnce(payer, 1n);
    const [alert] = await alertsOf(payer);
    expect(alert).toMatchObject({
      type: 'alert.raised',
      rule: 'soft_limit',
      outcome: {
        limit: `window:${LONG}s`,
        asset,
        percent: 80,
        max: '1000',
        used: '800',
        resetsAt: expect.any(Number),
      },
    });
    for (const price of [1n, 100n, 99n]) await callOnce(payer, price);
    expect(ruleOf(await callOnce(payer, 1n))).toBe('window');
    expect(await alertsOf(payer)).toHaveLength(1);
  });

  test('costs no row, also when it is raised', async () => {
    const watched = await ownerWith(100_000n, day('1000'));
    const unwatched = await ownerWith(100_000n, day('1000000'));
    const costs = async (payer: Hex): Promise<number[]> => {
      const rows: number[] = [];
      for (const price of [700n, 99n, 1n, 1n]) {
        const before = await rowsOf(payer);
        await callOnce(payer, price);
        rows.push((await rowsOf(payer)) - before);
      }
      return rows;
    };
    const plain = await costs(unwatched);
    expect(await costs(watched)).toEqual(plain);
    expect(await alertsOf(watched)).toHaveLength(1);
  });

  test('counts what running calls hold, and is not raised again when they fail', async () => {
    const payer = await ownerWith(100_000n, day('1000'));
    const { call, attempt } = await hold(payer, 900n);
    expect(await alertsOf(payer)).toHaveLength(1);
    await stubOf(payer).finish(call.id, attempt, failure);
    await callOnce(payer, 800n);
    expect(await alertsOf(payer)).toHaveLength(1);
  });

  test('is raised once by concurrent calls', async () => {
    const payer = await ownerWith(100_000n, day('1000'));
    await Promise.all(Array.from({ length: 10 }, () => callOnce(payer, 100n)));
    expect(await alertsOf(payer)).toHaveLength(1);
  });

  test('is not raised again after an eviction', async () => {
    const payer = await ownerWith(100_000n, day('1000'));
    await callOnce(payer, 850n);
    await putToSleep(payer);
    await callOnce(payer, 50n);
    expect(await alertsOf(payer)).toHaveLength(1);
  });

  test('is raised again in the next period', async () => {
    const payer = await ownerWith(100_000n, { windows: [{ every: 3_600, limit: '1000u' }] });
    for (const period of [1, 2, 3]) {
      await callOnce(payer, 900n);
      expect(await alertsOf(payer)).toHaveLength(period);
      await callOnce(payer, 50n);
      pass(3_600);
    }
    const details = await detailsOf(payer, 'soft_limit');
    expect(details).toHaveLength(3);
    expect(new Set(details.map((detail) => detail?.['resetsAt'])).size).toBe(3);
  });

  test('is raised again after the limit changed, and not after the same limit was set again', async () => {
    const payer = await ownerWith(100_000n, day('1000'));
    await callOnce(payer, 850n);
    await setPolicy(payer, day('1000', { perCall: '900u' }));
    await callOnce(payer, 10n);
    expect(await alertsOf(payer)).toHaveLength(1);
    await setPolicy(payer, day('2000'));
    await callOnce(payer, 700n);
    expect(await alertsOf(payer)).toHaveLength(1);
    await callOnce(payer, 100n);
    expect((await detailsOf(payer, 'soft_limit')).map((detail) => detail?.['max'])).toEqual([
      '1000',
      '2000',
    ]);
  });

  test('is remembered for current limits only, however often the policy changes', async () => {
    const payer = await ownerWith(100_000n, day('1000'));
    for (let limit = 1; limit <= 10; limit += 1) {
      await setPolicy(payer, day(limit.toString()));
      await callOnce(payer, 1n);
    }
    expect(await alertsOf(payer)).toHaveLength(10);
    const stored = JSON.stringify(ACCOUNT.encode(await storedAccountOf(payer)));
    expect(stored.match(/base \d+/g)).toEqual(['base 10']);
  });

  test('is raised once for each of two policies that share a counter', async () => {
    const payer = await ownerWith(100_000n, day('1000'));
    await setPolicy(payer, day('900'), 'owner');
    await callOnce(payer, 850n);
    await callOnce(payer, 10n);
    const details = await detailsOf(payer, 'soft_limit');
    expect(details.map((detail) => [detail?.['limit'], detail?.['max']])).toEqual([
      [`window:${LONG}s`, '1000'],
      [`owner:window:${LONG}s`, '900'],
    ]);
    const stored = JSON.stringify(ACCOUNT.encode(await storedAccountOf(payer)));
    expect(stored.match(/(base|owner) \d+/g)).toEqual(['base 1000', 'owner 900']);
  });

  test.each([
    [1, 10n],
    [50, 500n],
    [99, 990n],
  ])('is raised at %i %% where the policy says so', async (softPercent, at) => {
    const payer = await ownerWith(100_000n, { lifetime: '1000u', softPercent });
    await callOnce(payer, at - 1n);
    expect(await alertsOf(payer)).toEqual([]);
    await callOnce(payer, 1n);
    expect(await detailsOf(payer, 'soft_limit')).toMatchObject([
      { limit: 'lifetime', percent: softPercent, used: at.toString() },
    ]);
  });

  test('is raised for each limit separately and names the limit’s owner', async () => {
    const owner = await ownerWith(100_000n);
    const agent = randomHex(20);
    const grant = await enrol(owner, agent, { maxTotal: 400n });
    await setPolicy(agent, day('1000'));
    await setPolicy(agent, day('500', { lifetime: '500u', softPercent: 60 }), 'owner');
    await callOnce(agent, 310n);
    await callOnce(agent, 20n);
    const details = await detailsOf(agent, 'soft_limit');
    expect(details.map((detail) => [detail?.['limit'], detail?.['grant']])).toEqual([
      [`owner:window:${LONG}s`, undefined],
      ['owner:lifetime', undefined],
      ['grant:lifetime', grant.hash],
    ]);
  });

  test('is not raised for a limit of zero, nor by free calls', async () => {
    const payer = await ownerWith(100_000n, day('1000'));
    await callOnce(payer, 700n);
    await setPolicy(payer, day('0'));
    await freeOnce(payer);
    expect(ruleOf(await callOnce(payer, 1n))).toBe('window');
    expect(await alertsOf(payer)).toEqual([]);
  });

  test('counts what an owner’s agents have spent, not the shares they hold unused', async () => {
    const { owner, manager, agent } = await branchWith(100_000n, day('1000', { softPercent: 50 }));
    // An agent that calls often leases more than it needs: half of the limit is lent before half of it is spent.
    let calls = 0;
    for (let out = 0; out < 500; calls += 1) {
      await callOnce(agent, 50n);
      const { spent, held } = await limitOf(owner, `window:${LONG}s`);
      out = Number(spent) + Number(held);
    }
    expect(calls).toBeLessThan(10);
    expect(await alertsOf(owner)).toEqual([]);
    for (; calls < 10; calls += 1) await callOnce(agent, 50n);
    // The agent returns unused shares by itself, with a report of its spending.
    pass(70);
    await runDurableObjectAlarm(stubOf(agent));
    await vi.waitFor(async () => {
      expect(await detailsOf(owner, 'soft_limit')).toMatchObject([
        { limit: `window:${LONG}s`, max: '1000', used: '500' },
      ]);
    }, PATIENCE);
    await callOnce(agent, 100n);
    pass(70);
    await runDurableObjectAlarm(stubOf(agent));
    await putToSleep(owner);
    await callOnce(owner, 10n);
    expect(await alertsOf(owner)).toHaveLength(1);
    expect(await alertsOf(manager)).toEqual([]);
  });

  test('is raised at the owner before its limit denies an agent, without waiting for an alarm', async () => {
    const { owner, agent } = await branchWith(100_000n, day('1000'));
    for (let spent = 0; spent < 9; spent += 1) await callOnce(agent, 100n);
    expect(ruleOf(await callOnce(agent, 200n))).toBe('window');
    const [detail, ...more] = await detailsOf(owner, 'soft_limit');
    expect(Number(detail?.['used'])).toBeGreaterThanOrEqual(800);
    expect(more).toEqual([]);
  });
});

describe('a failed commit', () => {
  test('raises no alert; the repeated call raises it', async () => {
    const payer = await ownerWith(100_000n, day('1000'));
    await callOnce(payer, 700n);
    await failNextWrite(payer);
    expect((await callOnce(payer, 200n)).verdict).toBe('unavailable');
    expect(await alertsOf(payer)).toEqual([]);
    await callOnce(payer, 200n);
    expect(await alertsOf(payer)).toHaveLength(1);
  });
});
