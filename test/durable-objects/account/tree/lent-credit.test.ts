import { afterEach, describe, expect, test } from 'vitest';
import type { Hex } from '../../../../src/core/hex.ts';
import type { Evidence } from '../../../../src/protocol/account/call.ts';
import {
  callOf,
  entriesOf,
  failure,
  purseOf,
  randomHex,
  stubOf,
  success,
  topUp,
} from '../../support.ts';
import {
  AUDIENCE,
  branchWith,
  callOnce,
  callWhile,
  enrol,
  ownerWith,
  restore,
  ruleOf,
  setStatus,
} from '../../tree-support.ts';
import { begin, windowOf } from './fleets.ts';

afterEach(restore);

describe('credit of an ancestor', () => {
  const lendersOf = async (payer: Hex) =>
    (await entriesOf(payer))
      .filter(({ type }) => type === 'call.accepted')
      .map(({ payment }) => payment?.['lender']);

  test('is lent by the nearest ancestor that has some, else by the next', async () => {
    const { owner, manager, agent, upper, lower } = await branchWith(300n);
    await topUp(manager, 250n);
    expect(await callWhile(agent, 100n)).toMatchObject({
      went: 5,
      denial: { rule: 'credit', retryAllowed: true },
    });
    const [near, far] = [lower.hash, upper.hash];
    expect(await lendersOf(agent)).toEqual([near, near, far, far, far]);
    // Fifty units are not enough for another such call, but enough for a smaller one.
    expect(ruleOf(await callOnce(agent, 50n))).toBe('go');
    expect((await lendersOf(agent)).at(-1)).toBe(near);
    for (const each of [owner, manager]) {
      await setStatus(each, 'paused');
      expect(await purseOf(each)).toMatchObject({ credit: '0', creditHeld: '0', creditLent: '0' });
    }
  });

  test('pays in place of a payment while no node answers about the payer (law 13)', async () => {
    const { agent } = await branchWith(1_000n);
    const payment = () => callOf(agent, { price: 400n, audience: AUDIENCE });
    const reserve = (evidence: Evidence) =>
      stubOf(agent).reserve(payment(), randomHex(16), evidence);
    expect(await reserve({})).toEqual({ verdict: 'stale_payer' });
    const silent = { isChainSilent: true } as const;
    for (let at = 0; at < 2; at += 1) {
      expect(await reserve(silent)).toMatchObject({ verdict: 'go', paidFrom: 'credit' });
    }
    expect(await reserve(silent)).toEqual({ verdict: 'settlement_unavailable', retryAfter: 5 });
  });

  test('is lent once: two agents that request all of it get no unit twice', async () => {
    const owner = await ownerWith(1_000n);
    const agents = [randomHex(20), randomHex(20), randomHex(20)];
    for (const agent of agents) await enrol(owner, agent);
    const verdicts = await Promise.all(
      Array.from({ length: 60 }, (_, i) => callOnce(agents[i % 3] ?? owner, 30n)),
    );
    expect(verdicts.filter(({ verdict }) => verdict === 'go')).toHaveLength(33);
    await setStatus(owner, 'paused');
    expect(await purseOf(owner)).toMatchObject({ credit: '10', creditLent: '0' });
  });

  test('is returned when its call fails, and its rest when the price was variable', async () => {
    const { owner, agent } = await branchWith(1_000n);
    const end = await begin(agent, 900n);
    expect(await purseOf(owner)).toMatchObject({ credit: '1000', creditLent: '900' });
    await end(failure);
    const then = await begin(agent, 1_000n);
    await then({ ...success, amount: 1n });
    await setStatus(owner, 'paused');
    expect(await purseOf(owner)).toMatchObject({ credit: '999', creditLent: '0' });
  });

  test('can be spent by its owner when descendants do not use it', async () => {
    const owner = await ownerWith(1_000n);
    const agents = [randomHex(20), randomHex(20)];
    for (const agent of agents) {
      await enrol(owner, agent);
      for (let i = 0; i < 4; i += 1) expect(ruleOf(await callOnce(agent, 10n))).toBe('go');
    }
    expect((await purseOf(owner)).creditLent).not.toBe('0');
    expect(ruleOf(await callOnce(owner, 920n))).toBe('go');
    expect(ruleOf(await callOnce(owner, 1n))).toBe('credit');
  });

  test('does not pay for a call that a limit denies', async () => {
    const owner = await ownerWith(10_000n, windowOf(150));
    const agent = randomHex(20);
    await enrol(owner, agent);
    expect(await callWhile(agent, 100n)).toMatchObject({ went: 1, denial: { rule: 'window' } });
    await setStatus(owner, 'paused');
    expect(await purseOf(owner)).toMatchObject({ credit: '9900', creditLent: '0' });
  });

  test('is not requested while the account has credit of its own', async () => {
    const owner = await ownerWith(1_000n);
    const agent = randomHex(20);
    await enrol(owner, agent);
    await topUp(agent, 150n);
    for (let i = 0; i < 2; i += 1) expect(ruleOf(await callOnce(agent, 100n))).toBe('go');
    const paid = (await entriesOf(agent))
      .filter(({ type, tool }) => type === 'call.accepted' && tool === 'lookup')
      .map(({ payment }) => payment?.['paidBy']);
    expect(paid).toEqual(['credit', 'lent']);
    expect((await purseOf(agent)).credit).toBe('50');
  });
});
