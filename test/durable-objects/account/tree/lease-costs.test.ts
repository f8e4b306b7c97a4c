import { runDurableObjectAlarm } from 'cloudflare:test';
import { afterEach, describe, expect, test } from 'vitest';
import { nowSeconds } from '../../../../src/core/clock.ts';
import type { Hex } from '../../../../src/core/hex.ts';
import { randomHex, snapshotOf, stubOf } from '../../support.ts';
import {
  callOnce,
  enrol,
  ownerWith,
  pass,
  restore,
  rowsOf,
  ruleOf,
  setPolicy,
  watchLeases,
  watchRecalls,
} from '../../tree-support.ts';
import { callsOf, windowOf } from './fleets.ts';

afterEach(restore);

describe('costs', () => {
  test('a busy fleet recalls nothing while enough remains for every agent', async () => {
    const owner = await ownerWith(1_000_000n, windowOf(1_000_000));
    const manager = randomHex(20);
    const { hash: parent } = await enrol(owner, manager, { depth: 1 });
    const agents = Array.from({ length: 6 }, () => randomHex(20));
    for (const agent of agents) await enrol(manager, agent, { parent });
    const recalls = watchRecalls();
    const leases = watchLeases();
    for (let round = 0; round < 20; round += 1) {
      for (const agent of agents) expect(ruleOf(await callOnce(agent, 10n))).toBe('go');
    }
    expect(recalls).toEqual([]);
    // 120 paid calls, each with two ancestors.
    expect(leases.length).toBeLessThan(2 * 120);
  });

  test('a warm call below an owner writes as many rows as a call of an account alone', async () => {
    const rowsOfOne = async (payer: Hex): Promise<number> => {
      const before = await rowsOf(payer);
      expect(ruleOf(await callOnce(payer, 10n))).toBe('go');
      return (await rowsOf(payer)) - before;
    };
    const owner = await ownerWith(1_000_000n, windowOf(900_000));
    const agent = randomHex(20);
    await enrol(owner, agent);
    for (const payer of [owner, agent]) {
      for (let i = 0; i < 8; i += 1) expect(ruleOf(await callOnce(payer, 10n))).toBe('go');
    }
    const leases = watchLeases();
    const above = await rowsOf(owner);
    const below = await rowsOfOne(agent);
    expect(leases).toEqual([]);
    expect(await rowsOf(owner)).toBe(above);
    expect(below).toBe(await rowsOfOne(owner));
    expect(below).toBeLessThanOrEqual(4);
  });

  test('a single call below an owner writes at most 10 rows, with its export, its end and the return of its share', async () => {
    const owner = await ownerWith(1_000_000n, windowOf(900_000));
    const agent = randomHex(20);
    await enrol(owner, agent);
    expect(ruleOf(await callOnce(agent, 1_000n))).toBe('go');
    await stubOf(agent).exported((await snapshotOf(agent)).seq);
    pass(4_300);
    await runDurableObjectAlarm(stubOf(agent));
    const before = await rowsOf(agent);
    const validBefore = nowSeconds() + 300;
    expect(ruleOf(await callOnce(agent, 1_000n, { validBefore }))).toBe('go');
    await stubOf(agent).exported((await snapshotOf(agent)).seq);
    pass(70);
    await runDurableObjectAlarm(stubOf(agent));
    pass(930);
    await runDurableObjectAlarm(stubOf(agent));
    const rows = (await rowsOf(agent)) - before;
    expect(await callsOf(agent)).toBe(0);
    expect(rows).toBeLessThanOrEqual(10);
  });

  test('a lease costs the ancestor at most 3 rows', async () => {
    const owner = await ownerWith(1_000_000n, windowOf(900_000));
    const agent = randomHex(20);
    await enrol(owner, agent);
    expect(ruleOf(await callOnce(agent, 10n))).toBe('go');
    const leases = watchLeases();
    const before = await rowsOf(owner);
    for (let i = 0; i < 30; i += 1) expect(ruleOf(await callOnce(agent, 10n))).toBe('go');
    expect(leases.length).toBeGreaterThan(0);
    expect((await rowsOf(owner)) - before).toBeLessThanOrEqual(3 * leases.length);
  });

  test('repeated refusals cost the ancestor no row', async () => {
    const owner = await ownerWith(1_000_000n, windowOf(100));
    const agent = randomHex(20);
    await enrol(owner, agent);
    await setPolicy(agent, {});
    expect(ruleOf(await callOnce(agent, 100n))).toBe('go');
    expect(ruleOf(await callOnce(agent, 100n))).toBe('window');
    const before = await rowsOf(owner);
    for (let i = 0; i < 10; i += 1) expect(ruleOf(await callOnce(agent, 100n))).toBe('window');
    expect(await rowsOf(owner)).toBe(before);
  });
});
