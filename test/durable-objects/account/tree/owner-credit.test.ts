import { afterEach, describe, expect, test } from 'vitest';
import type { Hex } from '../../../../src/core/hex.ts';
import { asset, purseOf, randomHex, stubOf, topUp } from '../../support.ts';
import {
  callOnce,
  callWhile,
  denialOf,
  enrol,
  freeOnce,
  grantOf,
  limitOf,
  ownerWith,
  register,
  restore,
  ruleOf,
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

/** An agent with money of its own that has consented to a grant. */
const paying = async (owner: Hex, credit: bigint) => {
  const agent = randomHex(20);
  await topUp(agent, credit);
  const grant = grantOf(owner, agent);
  expect(await register(grant)).toMatchObject({ verdict: 'applied' });
  return { agent, grant };
};

/** Refunds more credit than the account has, which leaves a debt. */
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
    // The account bounds the amount that it requests ahead, because totals only grow and storage has a largest number.
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
    // The agents could spend what they had borrowed before. The owner lent nothing more.
    expect(BigInt(went) * 10n).toBeLessThanOrEqual(BigInt(creditLent));
    await setStatus(owner, 'paused');
    const after = await purseOf(owner);
    expect(after.creditLent).toBe('0');
    expect(BigInt(after.credit)).toBe(1_000n - BigInt(credit) - 80n - BigInt(went) * 10n);
  });
});
