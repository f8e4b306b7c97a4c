import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { Hex } from '../../../../src/core/hex.ts';
import { AgentAccount } from '../../../../durable-objects/account/agent-account.ts';
import { accountOf, purseOf, randomHex, storeExported, stubOf, topUp } from '../../support.ts';
import {
  callOnce,
  callWhile,
  enrol,
  freeOnce,
  grantOf,
  limitOf,
  ownerWith,
  pass,
  putToSleep,
  register,
  restore,
  revoke,
  ruleOf,
} from '../../tree-support.ts';
import { WINDOW, windowOf } from './fleets.ts';

afterEach(restore);

/** An agent with money of its own that has consented to a grant. */
const paying = async (owner: Hex, credit: bigint) => {
  const agent = randomHex(20);
  await topUp(agent, credit);
  const grant = grantOf(owner, agent);
  expect(await register(grant)).toMatchObject({ verdict: 'applied' });
  return { agent, grant };
};

describe('an account whose ancestor had too little', () => {
  /** Expects that the agent, which acknowledged or holds no lease, admits nothing after the revocation. */
  const expectCutOff = async (owner: Hex, id: Hex, agent: Hex, own: bigint): Promise<void> => {
    const verdict = await revoke(owner, id);
    if (verdict.verdict !== 'applied') throw new Error(JSON.stringify(verdict));
    expect(verdict.silent).not.toContain(accountOf(agent));
    expect(ruleOf(await freeOnce(agent))).toBe('revoked');
    if (own > 0n) expect(ruleOf(await callOnce(agent, own))).toBe('revoked');
  };

  test('holds no lease: a revocation stops also its free calls', async () => {
    const owner = await ownerWith(100_000n, windowOf(100));
    const [first, second] = [randomHex(20), randomHex(20)];
    await enrol(owner, first);
    const { delegation } = await enrol(owner, second);
    expect(ruleOf(await callOnce(first, 100n))).toBe('go');
    expect(ruleOf(await callOnce(second, 1n))).toBe('window');
    await expectCutOff(owner, delegation.id, second, 0n);
  });

  test('decides no longer than before: its lease ends when the ancestor expects it to', async () => {
    const owner = await ownerWith(100_000n, windowOf(1_000));
    const { agent, grant } = await paying(owner, 5_000n);
    for (let i = 0; i < 9; i += 1) expect(ruleOf(await callOnce(agent, 10n))).toBe('go');
    pass(55);
    expect(ruleOf(await callOnce(agent, 2_000n))).toBe('window');
    expect(ruleOf(await callOnce(agent, 990n))).toBe('window');
    pass(20);
    await expectCutOff(owner, grant.delegation.id, agent, 10n);
  });

  test('decides no longer than before when only credit was too little', async () => {
    const owner = await ownerWith(1n, windowOf(100_000));
    expect(ruleOf(await callOnce(owner, 1n))).toBe('go');
    const { agent, grant } = await paying(owner, 205n);
    for (let i = 0; i < 9; i += 1) expect(ruleOf(await callOnce(agent, 10n))).toBe('go');
    pass(50);
    expect(ruleOf(await callOnce(agent, 116n))).toBe('credit');
    pass(20);
    await expectCutOff(owner, grant.delegation.id, agent, 10n);
    expect((await callWhile(agent, 10n, 30)).went).toBe(0);
  });
});

describe('an agent that became idle while its object slept', () => {
  test('returns unused shares by one alarm, which then stops', async () => {
    const owner = await ownerWith(100_000n, windowOf(100_000));
    const agent = randomHex(20);
    await enrol(owner, agent);
    for (let i = 0; i < 6; i += 1) expect(ruleOf(await callOnce(agent, 10n))).toBe('go');
    expect((await limitOf(owner, WINDOW)).held).not.toBe('0');
    await storeExported(agent);
    await putToSleep(agent);
    const given = vi.spyOn(AgentAccount.prototype, 'giveBack');
    pass(70);
    const alarmIn = (): Promise<number> =>
      runInDurableObject(
        stubOf(agent),
        async (_, { storage }) => ((await storage.getAlarm()) ?? Infinity) - Date.now(),
      );
    expect(await runDurableObjectAlarm(stubOf(agent))).toBe(true);
    expect(await limitOf(owner, WINDOW)).toMatchObject({ spent: '60', held: '0' });
    expect(await purseOf(owner)).toMatchObject({ credit: '99940', creditLent: '0' });
    for (let i = 0; i < 5; i += 1) {
      pass(6);
      // The second alarm may only check that nothing is left.
      if (i > 0) expect(await alarmIn()).toBeGreaterThan(600_000);
      await runDurableObjectAlarm(stubOf(agent));
      await putToSleep(agent);
    }
    // Objects of other tests share the prototype, and their alarms run meanwhile.
    const own = given.mock.calls.filter(([child]) => child.endsWith(agent));
    expect(own).toHaveLength(1);
    // The agent's money is free and nothing is held, so the agent may move to another parent.
    const other = await ownerWith(1_000n);
    expect(await register(grantOf(other, agent))).toMatchObject({ verdict: 'applied' });
  });
});

describe('an agent that spent all of its last lease', () => {
  const alarmIn = (agent: Hex): Promise<number> =>
    runInDurableObject(
      stubOf(agent),
      async (_, { storage }) => ((await storage.getAlarm()) ?? Infinity) - Date.now(),
    );
  /** One call uses up a share of exactly its price. */
  const spender = async () => {
    const owner = await ownerWith(1_000n, windowOf(1_000));
    const agent = randomHex(20);
    await enrol(owner, agent);
    expect(ruleOf(await callOnce(agent, 10n))).toBe('go');
    expect(await purseOf(owner)).toMatchObject({ credit: '1000', creditLent: '10' });
    return { owner, agent };
  };
  const expectKnown = async (owner: Hex) => {
    expect(await purseOf(owner)).toMatchObject({ credit: '990', creditLent: '0' });
    expect(await limitOf(owner, WINDOW)).toMatchObject({ spent: '10', held: '0' });
  };

  test('reports it within seconds, without another call, also if its object slept', async () => {
    const { owner, agent } = await spender();
    expect(await alarmIn(agent)).toBeLessThanOrEqual(10_000);
    await storeExported(agent);
    await putToSleep(agent);
    const given = vi.spyOn(AgentAccount.prototype, 'giveBack');
    pass(10);
    expect(await runDurableObjectAlarm(stubOf(agent))).toBe(true);
    await expectKnown(owner);
    for (let i = 0; i < 3; i += 1) {
      await putToSleep(agent);
      pass(60);
      await runDurableObjectAlarm(stubOf(agent));
    }
    // Objects of other tests share the prototype, and their alarms run meanwhile.
    expect(given.mock.calls.filter(([child]) => child.endsWith(agent))).toHaveLength(1);
  });

  test('reports it again if the report was lost', async () => {
    const { owner, agent } = await spender();
    const lost = vi
      .spyOn(AgentAccount.prototype, 'giveBack')
      .mockRejectedValueOnce(new Error('lost'));
    pass(10);
    await runDurableObjectAlarm(stubOf(agent));
    expect((await purseOf(owner)).credit).toBe('1000');
    expect(await alarmIn(agent)).toBeLessThanOrEqual(10_000);
    pass(10);
    await runDurableObjectAlarm(stubOf(agent));
    await expectKnown(owner);
    expect(lost).toHaveBeenCalledTimes(2);
  });

  test('returns what a lost report returned', async () => {
    const owner = await ownerWith(100_000n, windowOf(100_000));
    const agent = randomHex(20);
    await enrol(owner, agent);
    for (let i = 0; i < 6; i += 1) expect(ruleOf(await callOnce(agent, 10n))).toBe('go');
    vi.spyOn(AgentAccount.prototype, 'giveBack').mockRejectedValueOnce(new Error('lost'));
    pass(70);
    await runDurableObjectAlarm(stubOf(agent));
    expect((await purseOf(owner)).creditLent).not.toBe('0');
    pass(10);
    await runDurableObjectAlarm(stubOf(agent));
    expect(await purseOf(owner)).toMatchObject({ credit: '99940', creditLent: '0' });
  });
});
