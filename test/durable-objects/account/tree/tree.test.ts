import { evictDurableObject } from 'cloudflare:test';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { AgentAccount } from '../../../../durable-objects/account/agent-account.ts';
import type { LeaseRequest } from '../../../../src/protocol/account/lease.ts';
import { accountOf, asset, purseOf, randomHex, snapshotOf, stubOf, topUp } from '../../support.ts';
import { callOnce, enrol, ruleOf, setPolicy, setStatus } from '../../tree-support.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

/** Counts the lease requests that reach ancestors. */
const countLeases = (): { readonly calls: LeaseRequest[] } => {
  const calls: LeaseRequest[] = [];
  const { lease } = AgentAccount.prototype;
  vi.spyOn(AgentAccount.prototype, 'lease').mockImplementation(function (
    this: AgentAccount,
    request: LeaseRequest,
  ) {
    calls.push(request);
    return lease.call(this, request);
  });
  return { calls };
};

const ownerWith = async (credit: bigint): Promise<`0x${string}`> => {
  const owner = randomHex(20);
  await topUp(owner, credit);
  return owner;
};

describe('an agent below an owner', () => {
  test('pays from its owner’s credit, and its spend counts at the owner', async () => {
    const owner = await ownerWith(10_000n);
    const agent = randomHex(20);
    await setPolicy(owner, { windows: [{ every: 'day', limit: '5000u' }] });
    await enrol(owner, agent);
    expect(ruleOf(await callOnce(agent, 1_000n))).toBe('go');
    expect(ruleOf(await callOnce(agent, 1_000n))).toBe('go');
    for (let i = 0; i < 3; i += 1) expect(ruleOf(await callOnce(agent, 1_000n))).toBe('go');
    const denied = await callOnce(agent, 1_000n);
    expect(denied).toMatchObject({
      verdict: 'denied',
      denial: {
        rule: 'window',
        account: accountOf(owner),
        limit: { limit: '5000', remaining: '0' },
      },
    });
  });

  test('sends far fewer than one request to ancestors per paid call while it is busy', async () => {
    const owner = await ownerWith(1_000_000n);
    const agent = randomHex(20);
    await setPolicy(owner, { windows: [{ every: 'day', limit: '1000000u' }], lifetime: '900000u' });
    await enrol(owner, agent);
    const { calls } = countLeases();
    for (let i = 0; i < 100; i += 1) expect(ruleOf(await callOnce(agent, 100n))).toBe('go');
    expect(calls.length).toBeLessThan(25);
    await evictDurableObject(stubOf(agent));
    expect(ruleOf(await callOnce(agent, 100n))).toBe('go');
    expect((await purseOf(owner)).credit).not.toBe('1000000');
    expect(asset).toContain('erc20');
  });

  test('is denied while its owner is frozen, and calls again after the resume', async () => {
    const owner = await ownerWith(1_000_000n);
    const agent = randomHex(20);
    await enrol(owner, agent);
    expect(ruleOf(await callOnce(agent, 100n))).toBe('go');
    const frozen = await setStatus(owner, 'frozen');
    expect(frozen).toMatchObject({
      verdict: 'applied',
      acknowledged: [accountOf(agent)],
      silent: [],
    });
    expect(ruleOf(await callOnce(agent, 100n))).toBe('frozen');
    await setStatus(owner, 'active');
    await new Promise((resolve) => setTimeout(resolve, 2_100));
    expect(ruleOf(await callOnce(agent, 100n))).toBe('go');
    expect((await snapshotOf(owner)).lessees).toBe(1);
  });
});
