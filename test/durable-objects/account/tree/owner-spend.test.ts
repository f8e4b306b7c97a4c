import { runDurableObjectAlarm } from 'cloudflare:test';
import { afterEach, describe, expect, test } from 'vitest';
import type { Hex } from '../../../../src/core/hex.ts';
import { assetId } from '../../../../src/protocol/account-id.ts';
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
  enrol,
  freeOnce,
  limitOf,
  ownerWith,
  pass,
  putValues,
  restore,
  ruleOf,
  setPolicy,
  setStatus,
  watchLeases,
} from '../../tree-support.ts';
import { WINDOW, windowOf } from './fleets.ts';

afterEach(restore);

/** What the owner's window counts after every descendant has reported. */
const countersOf = async (owner: Hex) => {
  await setStatus(owner, 'paused');
  const { spent, held } = await limitOf(owner, WINDOW);
  return { spent, held };
};

describe('spend counts at the owner', () => {
  test('when a manager issued a grant and received its lease before it spent', async () => {
    const owner = await ownerWith(100_000n, windowOf(1_000));
    const [manager, agent] = [randomHex(20), randomHex(20)];
    const { hash: parent } = await enrol(owner, manager, { depth: 2 });
    await enrol(manager, agent, { parent, depth: 1 });
    // A free call may be in any asset, but a lease has shares of one asset only.
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

  test('within seconds when an agent has used up its last share and calls no more', async () => {
    const owner = await ownerWith(100_000n, windowOf(1_000));
    const agent = randomHex(20);
    // The agent has credit of its own. Otherwise it would return unused lent credit at the end of its lease, together with a report.
    await topUp(agent, 100_000n);
    await enrol(owner, agent);
    // The limit is used up exactly. One more call would request a share, together with a report.
    expect((await callWhile(agent, 100n, 10)).went).toBe(10);
    pass(12);
    await runDurableObjectAlarm(stubOf(agent));
    expect(await limitOf(owner, WINDOW)).toMatchObject({ spent: '1000', held: '0' });
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
    // No limit counts the call made while there was no limit.
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
