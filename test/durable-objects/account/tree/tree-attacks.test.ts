import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { Hex } from '../../../../src/core/hex.ts';
import { assetId } from '../../../../src/protocol/account-id.ts';
import { AgentAccount } from '../../../../durable-objects/account/agent-account.ts';
import { ISSUED_LEASE } from '../../../../durable-objects/account/tree/issued-lease.ts';
import { put } from '../../../../durable-objects/store/noun.ts';
import {
  accountOf,
  asset,
  purseOf,
  randomHex,
  snapshotOf,
  stubOf,
  token,
  topUp,
} from '../../support.ts';
import {
  callOnce,
  callWhile,
  denialOf,
  enrol,
  faultOf,
  freeOnce,
  grantOf,
  limitOf,
  offer,
  ownerWith,
  pass,
  putToSleep,
  putValues,
  register,
  restore,
  revoke,
  ruleOf,
  setPolicy,
  setStatus,
  watchLeases,
} from '../../tree-support.ts';
import { WINDOW, windowOf } from './attack-support.ts';

afterEach(restore);

/** What the owner's window counts once every descendant has reported. */
const countersOf = async (owner: Hex) => {
  await setStatus(owner, 'paused');
  const { spent, held } = await limitOf(owner, WINDOW);
  return { spent, held };
};

/** An agent with money of its own that consented to a grant. */
const paying = async (owner: Hex, credit: bigint) => {
  const agent = randomHex(20);
  await topUp(agent, credit);
  const grant = grantOf(owner, agent);
  expect(await register(grant)).toMatchObject({ verdict: 'applied' });
  return { agent, grant };
};

/** The operator paid out more credit than the account had: a debt. */
const refund = (owner: Hex, amount: bigint) =>
  stubOf(owner).apply({
    kind: 'refund',
    asset,
    amount,
    transaction: randomHex(32),
    place: 0,
    block: 1,
    intent: { fields: {}, signature: '0x00' },
  });

describe('spend counts at the owner', () => {
  test('when a manager issued a grant and received its lease before it spent', async () => {
    const owner = await ownerWith(100_000n, windowOf(1_000));
    const [manager, agent] = [randomHex(20), randomHex(20)];
    const { hash: parent } = await enrol(owner, manager, { depth: 2 });
    await enrol(manager, agent, { parent, depth: 1 });
    // A free call may be in any asset; the shares of its lease are not.
    const other = assetId(token.network, randomHex(20));
    expect(ruleOf(await freeOnce(manager, { asset: other }))).toBe('go');
    expect((await callWhile(manager, 100n, 7)).went).toBe(7);
    expect((await callWhile(agent, 100n, 40)).went).toBe(3);
    expect(await callWhile(manager, 100n, 40)).toMatchObject({
      went: 0,
      denial: { rule: 'window', account: accountOf(owner) },
    });
    expect(await countersOf(owner)).toEqual({ spent: '1000', held: '0' });
  });

  test('when an agent holds two grants, whichever one a call names', async () => {
    const owner = await ownerWith(100_000n, windowOf(1_000));
    const agent = randomHex(20);
    const grants = [await enrol(owner, agent), await enrol(owner, agent)];
    for (const { hash: authority } of [...grants, ...grants]) {
      expect(ruleOf(await callOnce(agent, 200n, { authority }))).toBe('go');
    }
    expect(await callWhile(agent, 100n, 40)).toMatchObject({ went: 2, denial: { rule: 'window' } });
    for (const { hash: authority } of grants) {
      expect(ruleOf(await callOnce(agent, 100n, { authority }))).toBe('window');
    }
    expect(await countersOf(owner)).toEqual({ spent: '1000', held: '0' });
  });

  test('when a lease stored earlier names another asset', async () => {
    const other = assetId(token.network, randomHex(20));
    const owner = await ownerWith(100_000n, windowOf(1_000));
    const agent = randomHex(20);
    const { hash: issued } = await enrol(owner, agent);
    const row = { child: accountOf(agent), issued, asset: other, until: 0, shares: {} };
    await putValues(owner, [put(ISSUED_LEASE, row)]);
    expect(await callWhile(agent, 100n, 40)).toMatchObject({
      went: 10,
      denial: { rule: 'window', account: accountOf(owner) },
    });
    const { purses } = await snapshotOf(owner);
    expect(Object.keys(purses)).toEqual([asset]);
    expect(await countersOf(owner)).toEqual({ spent: '1000', held: '0' });
    expect(await purseOf(owner)).toMatchObject({ credit: '99000', creditLent: '0' });
  });
});

describe('an owner without credit', () => {
  test('serves descendants after a top-up, however often they requested credit before', async () => {
    const all = (1n << 256n) - 1n;
    const unbounded = { maxTotal: all, maxPerCall: all };
    const owner = await ownerWith(1n);
    const [manager, agent] = [randomHex(20), randomHex(20)];
    const { hash: parent } = await enrol(owner, manager, { ...unbounded, depth: 2 });
    await enrol(manager, agent, { ...unbounded, parent, depth: 1 });
    const leases = watchLeases();
    for (let i = 0; i < 60; i += 1) expect(ruleOf(await callOnce(agent, 10n))).toBe('credit');
    // The amount requested ahead is bounded: totals only grow, and storage has a largest number.
    expect(leases.length).toBeGreaterThan(60);
    for (const { want, creditWant = 0n } of leases.map(({ message }) => message)) {
      expect(want + creditWant).toBeLessThanOrEqual(2n * 10n * 257n);
    }
    await topUp(owner, 100_000n);
    for (const payer of [agent, agent, manager, agent, owner]) {
      expect(ruleOf(await callOnce(payer, 10n))).toBe('go');
    }
    await setStatus(owner, 'paused');
    expect(await purseOf(owner)).toMatchObject({ credit: `${100_001 - 50}`, creditLent: '0' });
  });

  test('lets descendants that pay for themselves call while it has a debt, with few requests to it', async () => {
    const owner = await ownerWith(100n, windowOf(1_000));
    const { agent } = await paying(owner, 1_000n);
    await refund(owner, 150n);
    expect((await purseOf(owner)).credit).toBe('-50');
    expect(ruleOf(await callOnce(owner, 1n))).toBe('debt');
    const leases = watchLeases();
    expect(ruleOf(await callOnce(agent, 10n))).toBe('go');
    expect(ruleOf(await freeOnce(agent))).toBe('go');
    expect(leases.length).toBeGreaterThan(0);
    expect(leases.length).toBeLessThan(6);
    expect((await callWhile(agent, 10n, 20)).went).toBe(20);
    expect((await purseOf(owner)).credit).toBe('-50');
    expect(await countersOf(owner)).toEqual({ spent: '210', held: '0' });
  });

  test('denies descendants that need its credit while it has a debt, with few requests to it', async () => {
    const owner = await ownerWith(100n, windowOf(1_000));
    const agent = randomHex(20);
    await enrol(owner, agent);
    await refund(owner, 150n);
    const leases = watchLeases();
    expect(denialOf(await callOnce(agent, 10n))).toMatchObject({
      rule: 'credit',
      retryAllowed: true,
    });
    expect(leases.length).toBeGreaterThan(0);
    expect(leases.length).toBeLessThan(6);
    expect(ruleOf(await freeOnce(agent))).toBe('go');
  });

  test('owes no more than what it had lent when that was paid out', async () => {
    const owner = await ownerWith(1_000n);
    const agent = randomHex(20);
    await enrol(owner, agent);
    for (let i = 0; i < 8; i += 1) expect(ruleOf(await callOnce(agent, 10n))).toBe('go');
    const { credit, creditLent } = await purseOf(owner);
    expect(BigInt(creditLent)).toBeGreaterThan(0n);
    await refund(owner, BigInt(credit));
    const leases = watchLeases();
    const { went, denial } = await callWhile(agent, 10n, 100);
    expect(denial).toMatchObject({ rule: 'credit' });
    expect(leases.length).toBeLessThan(6);
    // What was lent before can still be spent; not one unit more was lent.
    expect(BigInt(went) * 10n).toBeLessThanOrEqual(BigInt(creditLent));
    await setStatus(owner, 'paused');
    const after = await purseOf(owner);
    expect(after.creditLent).toBe('0');
    expect(BigInt(after.credit)).toBe(1_000n - BigInt(credit) - 80n - BigInt(went) * 10n);
  });
});

describe('an account whose ancestor had too little', () => {
  /** Agents that did not acknowledge are silent or hold no lease, so they admit nothing afterwards. */
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
    await stubOf(agent).exported((await snapshotOf(agent)).seq);
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
      // The second alarm may check once more that nothing is left.
      if (i > 0) expect(await alarmIn()).toBeGreaterThan(600_000);
      await runDurableObjectAlarm(stubOf(agent));
      await putToSleep(agent);
    }
    expect(given).toHaveBeenCalledTimes(1);
    // Its money is back and nothing is held, so the agent may move to another parent.
    const other = await ownerWith(1_000n);
    expect(await register(grantOf(other, agent))).toMatchObject({ verdict: 'applied' });
  });
});

describe('a key that was cut off', () => {
  /** Another account pays for it, so that it has money of its own. */
  const sponsor = async (agent: Hex, total: bigint): Promise<void> => {
    const from = accountOf(randomHex(20));
    const applied = await stubOf(agent).apply({ kind: 'credit', from, asset, total });
    expect(applied).toMatchObject({ verdict: 'applied', credit: total });
  };

  test('cannot decline a grant that it used: it stays denied, and no new owner can take it', async () => {
    const owner = await ownerWith(100_000n);
    const agent = randomHex(20);
    const { delegation } = await enrol(owner, agent);
    expect(ruleOf(await callOnce(agent, 10n))).toBe('go');
    await revoke(owner, delegation.id);
    expect(ruleOf(await callOnce(agent, 10n))).toBe('revoked');
    expect(await revoke(agent, delegation.id)).toMatchObject({ verdict: 'applied' });
    await sponsor(agent, 1_000n);
    for (const sleeps of [false, true]) {
      if (sleeps) await putToSleep(agent);
      expect(ruleOf(await callOnce(agent, 10n))).toBe('revoked');
      expect(ruleOf(await freeOnce(agent))).toBe('revoked');
    }
    const other = await ownerWith(1_000n);
    pass(3_600);
    expect(faultOf(await register(grantOf(other, agent)))).toMatchObject({
      reason: 'grant_refused',
      field: 'delegation.issuer',
    });
  });

  test('stays governed when it declines a grant that it used before it is cut off', async () => {
    const owner = await ownerWith(100_000n);
    const agent = randomHex(20);
    const { delegation } = await enrol(owner, agent);
    expect(ruleOf(await callOnce(agent, 10n))).toBe('go');
    expect(await revoke(agent, delegation.id)).toMatchObject({ verdict: 'applied' });
    await sponsor(agent, 1_000n);
    expect(ruleOf(await callOnce(agent, 10n))).toBe('revoked');
    const other = await ownerWith(1_000n);
    expect(faultOf(await register(grantOf(other, agent)))).toMatchObject({
      reason: 'grant_refused',
    });
  });

  test('does not include an account that only had an offer: it calls without a grant, and consents to another owner', async () => {
    const [stranger, owner] = [await ownerWith(100_000n), await ownerWith(1_000n)];
    const agent = await ownerWith(1_000n);
    const grant = grantOf(stranger, agent);
    await offer(grant);
    await revoke(stranger, grant.delegation.id);
    await setStatus(stranger, 'revoked');
    expect(ruleOf(await callOnce(agent, 10n))).toBe('go');
    expect(await register(grantOf(owner, agent))).toMatchObject({ verdict: 'applied' });
    expect(ruleOf(await callOnce(agent, 10n))).toBe('go');
  });

  test('cannot move to another parent, whether its ancestors answer or not', async () => {
    const owner = await ownerWith(10_000n);
    const other = await ownerWith(1_000n);
    const [cut, free] = [randomHex(20), randomHex(20)];
    const { delegation } = await enrol(owner, cut);
    await enrol(owner, free);
    await revoke(owner, delegation.id);
    watchLeases(() => Promise.resolve({ verdict: 'unavailable' }));
    for (const agent of [cut, free]) {
      expect(await register(grantOf(other, agent))).toEqual({ verdict: 'unavailable' });
    }
    restore();
    expect(faultOf(await register(grantOf(other, cut)))).toMatchObject({
      reason: 'grant_refused',
    });
    expect(await register(grantOf(other, free))).toMatchObject({ verdict: 'applied' });
  });
});

describe('a limit that is removed and restored within its period', () => {
  test('counts earlier spend once, and the rest can be used', async () => {
    const policy = windowOf(1_000);
    const owner = await ownerWith(100_000n, policy);
    const agent = randomHex(20);
    await enrol(owner, agent);
    expect((await callWhile(agent, 10n, 40)).went).toBe(40);
    await setPolicy(owner, null);
    expect(ruleOf(await callOnce(agent, 10n))).toBe('go');
    await setPolicy(owner, policy);
    const leases = watchLeases();
    const { went, denial } = await callWhile(agent, 10n, 100);
    // The call made while there was no limit counts in none.
    expect(went).toBe(60);
    expect(denial).toMatchObject({ rule: 'window', limit: { limit: '1000', remaining: '0' } });
    expect(leases.length).toBeLessThan(60);
    expect(await countersOf(owner)).toEqual({ spent: '1000', held: '0' });
  });

  test('causes no storm of requests for a small call after much was spent', async () => {
    const policy = windowOf(100_000);
    const owner = await ownerWith(1_000_000n, policy);
    const agent = randomHex(20);
    await enrol(owner, agent);
    expect(ruleOf(await callOnce(agent, 40_000n))).toBe('go');
    await setPolicy(owner, null);
    expect(ruleOf(await callOnce(agent, 1n))).toBe('go');
    await setPolicy(owner, policy);
    const leases = watchLeases();
    expect(ruleOf(await callOnce(agent, 10n))).toBe('go');
    expect(leases.length).toBeLessThan(6);
    expect(ruleOf(await callOnce(agent, 59_990n))).toBe('go');
    expect(ruleOf(await callOnce(agent, 1n))).toBe('window');
    expect(await countersOf(owner)).toEqual({ spent: '100000', held: '0' });
  });
});
