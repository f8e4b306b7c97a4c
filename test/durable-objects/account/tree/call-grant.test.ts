import { evictDurableObject } from 'cloudflare:test';
import { afterEach, describe, expect, test } from 'vitest';
import { compiled } from '../../../../durable-objects/account/tree/grants.ts';
import { nowSeconds } from '../../../../src/core/clock.ts';
import type { Hex } from '../../../../src/core/hex.ts';
import { policyJson } from '../../../../src/policy/policy.ts';
import type { AgentAccountRpc } from '../../../../src/protocol/account/rpc.ts';
import { accountOf, entriesOf, randomHex, stubOf, topUp } from '../../support.ts';
import {
  branchWith,
  callOnce,
  denialOf,
  enrol,
  faultOf,
  freeOnce,
  ownerWith,
  pass,
  restore,
  revoke,
  ruleOf,
  watchLeases,
} from '../../tree-support.ts';

afterEach(restore);

const intent = { fields: { tool: 'countersign.order' }, signature: '0x55' } as const;

describe('the standing of an account', () => {
  test('shows a grant as revoked although the holder got no push', async () => {
    const owner = await ownerWith(10_000n);
    const agent = randomHex(20);
    const grant = await enrol(owner, agent);
    expect(await revoke(owner, grant.delegation.id)).toMatchObject({ acknowledged: [] });
    const leases = watchLeases();
    const by = { account: accountOf(agent), role: 'operator' } as const;
    const stub: Pick<AgentAccountRpc, 'standing'> = stubOf(agent);
    const asked = async () => {
      const found = await stub.standing({ account: accountOf(agent), by });
      return found.verdict === 'found' ? found.standing.grants : found;
    };
    expect(await asked()).toMatchObject([
      { status: 'revoked', isDefault: false, policy: policyJson(compiled(grant)) },
    ]);
    expect(leases).toMatchObject([{ message: { dryRun: true } }]);
  });

  test('names the grant of each limit that a grant sets', async () => {
    const owner = await ownerWith(10_000n);
    const agent = randomHex(20);
    const [one, other] = [await enrol(owner, agent), await enrol(owner, agent)];
    await callOnce(agent, 10n);
    const by = { account: accountOf(agent), role: 'operator' } as const;
    const stub: Pick<AgentAccountRpc, 'standing'> = stubOf(agent);
    const found = await stub.standing({ account: accountOf(agent), by });
    if (found.verdict !== 'found') throw new Error(found.verdict);
    const limits = found.standing.money.flatMap((money) => money.limits);
    const ofGrants = limits.filter(({ rule }) => rule === 'grant:lifetime');
    expect(new Set(ofGrants.map((limit) => limit.grant))).toEqual(new Set([one.hash, other.hash]));
    expect(limits.find(({ rule }) => !rule.startsWith('grant:'))?.grant).toBe(undefined);
  });

  test('requests the ancestors’ answers once a second, however often it is read', async () => {
    const { agent } = await branchWith(10_000n);
    const leases = watchLeases();
    const by = { account: accountOf(agent), role: 'operator' } as const;
    const ask = () => stubOf(agent).standing({ account: accountOf(agent), by });
    for (let i = 0; i < 5; i += 1) expect(await ask()).toMatchObject({ verdict: 'found' });
    expect(leases).toHaveLength(2);
    pass(1);
    await ask();
    expect(leases).toHaveLength(4);
  });

  test('shows the known state while the ancestors do not answer', async () => {
    const { agent, lower } = await branchWith(10_000n);
    watchLeases(() => Promise.resolve({ verdict: 'unavailable' }));
    const by = { account: accountOf(agent), role: 'operator' } as const;
    expect(await stubOf(agent).standing({ account: accountOf(agent), by })).toMatchObject({
      standing: { grants: [{ hash: lower.hash, status: 'active', isDefault: true }] },
    });
  });
});

describe('a call without `authority`', () => {
  /** Returns the grant under which the account accepted a call, or the rule that denied it. */
  const usedBy = async (agent: Hex, changes: Parameters<typeof callOnce>[2] = {}) => {
    const verdict = await callOnce(agent, 10n, changes);
    if (verdict.verdict !== 'go') return ruleOf(verdict);
    const entries = await entriesOf(agent);
    return entries.findLast(({ type }) => type === 'call.accepted')?.payment?.['grant'];
  };

  test('uses the only grant of its account', async () => {
    const owner = await ownerWith(1_000n);
    const agent = randomHex(20);
    const { hash } = await enrol(owner, agent);
    expect(await usedBy(agent)).toBe(hash);
  });

  test('uses the last one taken, also after a restart: a newer grant replaces an older one', async () => {
    const owner = await ownerWith(1_000n);
    const agent = randomHex(20);
    const grants: Hex[] = [];
    for (let i = 0; i < 6; i += 1) grants.push((await enrol(owner, agent)).hash);
    expect(await usedBy(agent)).toBe(grants[5]);
    await evictDurableObject(stubOf(agent));
    expect(await usedBy(agent)).toBe(grants[5]);
    // The older grant is still valid for calls that name it.
    expect(await usedBy(agent, { authority: grants[0] as Hex })).toBe(grants[0]);
  });

  test('uses a newer grant even if an older one was made the default', async () => {
    const owner = await ownerWith(1_000n);
    const agent = randomHex(20);
    const first = await enrol(owner, agent, { maxPerCall: 5n });
    await stubOf(agent).apply({ kind: 'default', grant: first.hash, intent });
    expect(await usedBy(agent)).toBe('per_call');
    const raised = await enrol(owner, agent);
    expect(await usedBy(agent)).toBe(raised.hash);
    // After another `default` command, the older grant applies again.
    await stubOf(agent).apply({ kind: 'default', grant: first.hash, intent });
    expect(await usedBy(agent)).toBe('per_call');
  });

  test('uses the newest live grant once the last one has expired', async () => {
    const owner = await ownerWith(1_000n);
    const agent = randomHex(20);
    await enrol(owner, agent);
    const { hash } = await enrol(owner, agent);
    await enrol(owner, agent, { validUntil: BigInt(nowSeconds() + 100) });
    pass(100);
    expect(await usedBy(agent)).toBe(hash);
  });

  test('uses the grant taken after a revoked one, although the holder got no push of the revocation', async () => {
    const owner = await ownerWith(1_000n);
    const agent = randomHex(20);
    const revoked = await enrol(owner, agent);
    expect(await revoke(owner, revoked.delegation.id)).toMatchObject({ acknowledged: [] });
    const { hash } = await enrol(owner, agent);
    expect(await usedBy(agent)).toBe(hash);
  });

  test('uses the default that was set, while that grant lives', async () => {
    const owner = await ownerWith(1_000n);
    const agent = randomHex(20);
    const second = await enrol(owner, agent, { validUntil: BigInt(nowSeconds() + 100) });
    const first = await enrol(owner, agent);
    const set = (grant: Hex) => stubOf(agent).apply({ kind: 'default', grant, intent });
    expect(await set(second.hash)).toMatchObject({ verdict: 'applied', changed: true });
    expect(await set(second.hash)).toMatchObject({ verdict: 'applied', changed: false });
    expect(await usedBy(agent)).toBe(second.hash);
    await evictDurableObject(stubOf(agent));
    expect(await usedBy(agent)).toBe(second.hash);
    expect(faultOf(await set(randomHex(32)))).toMatchObject({ reason: 'unknown_grant' });
    pass(101);
    expect(await usedBy(agent)).toBe(first.hash);
  });

  test('that names a grant uses that grant or none', async () => {
    const owner = await ownerWith(1_000n);
    const agent = randomHex(20);
    await enrol(owner, agent);
    const second = await enrol(owner, agent);
    const elsewhere = await enrol(owner, agent, { audience: 'https://other.example' });
    const theirs = await enrol(owner, randomHex(20));
    expect(await usedBy(agent, { authority: second.hash })).toBe(second.hash);
    for (const authority of [randomHex(32), theirs.hash, elsewhere.hash]) {
      expect(denialOf(await callOnce(agent, 10n, { authority }))).toMatchObject({
        rule: 'authority',
        account: accountOf(agent),
        retryAllowed: false,
      });
    }
  });

  test('of an account without grants cannot name one', async () => {
    const payer = await ownerWith(1_000n);
    expect(ruleOf(await callOnce(payer, 10n, { authority: randomHex(32) }))).toBe('authority');
    expect(ruleOf(await callOnce(payer, 10n))).toBe('go');
  });

  test('is denied when its grant is for another audience', async () => {
    const owner = await ownerWith(1_000n);
    const agent = randomHex(20);
    const { hash: grant } = await enrol(owner, agent, { audience: 'https://other.example' });
    expect(denialOf(await callOnce(agent, 10n))).toMatchObject({ rule: 'authority', grant });
  });

  test('is denied until its grant becomes valid', async () => {
    const owner = await ownerWith(1_000n);
    const agent = randomHex(20);
    const from = nowSeconds() + 100;
    const { hash: grant } = await enrol(owner, agent, { validAfter: BigInt(from) });
    expect(denialOf(await callOnce(agent, 10n))).toMatchObject({
      rule: 'not_yet',
      grant,
      retryAllowed: true,
    });
    pass(100);
    expect(await usedBy(agent)).toBe(grant);
  });

  test('is denied as expired after its last grant, never accepted as a stranger’s call', async () => {
    const owner = await ownerWith(1_000n);
    const agent = randomHex(20);
    await enrol(owner, agent, { validUntil: BigInt(nowSeconds() + 100) });
    const { hash: grant } = await enrol(owner, agent, { validUntil: BigInt(nowSeconds() + 200) });
    await topUp(agent, 500n);
    pass(201);
    for (let round = 0; round < 2; round += 1) {
      for (const verdict of [await callOnce(agent, 10n), await freeOnce(agent)]) {
        expect(denialOf(verdict)).toMatchObject({ rule: 'expired', grant, retryAllowed: false });
      }
      await evictDurableObject(stubOf(agent));
    }
  });

  test('is bound by its grant: tool, payee, price, total, window', async () => {
    const owner = await ownerWith(100_000n);
    const agent = randomHex(20);
    const payTo = randomHex(20);
    const grant = await enrol(owner, agent, {
      tools: ['pay.*'],
      payees: [payTo],
      maxPerCall: 100n,
      maxTotal: 250n,
      windowSeconds: 86_400n * 7n,
      maxPerWindow: 150n,
    });
    const call = (price: bigint, changes: Parameters<typeof callOnce>[2] = {}) =>
      callOnce(agent, price, { tool: 'pay.card', payTo, ...changes });
    expect(ruleOf(await call(10n, { tool: 'lookup' }))).toBe('tool');
    expect(ruleOf(await call(10n, { payTo: randomHex(20) }))).toBe('payee');
    expect(ruleOf(await call(101n))).toBe('per_call');
    expect(ruleOf(await call(100n))).toBe('go');
    expect(denialOf(await call(51n))).toMatchObject({
      rule: 'window',
      account: accountOf(agent),
      grant: grant.hash,
      limit: { limit: '150', spent: '100', held: '0', remaining: '50' },
      retryAllowed: true,
    });
    expect(ruleOf(await call(50n))).toBe('go');
    pass(7 * 86_400);
    expect(ruleOf(await call(100n))).toBe('go');
    expect(denialOf(await call(1n))).toMatchObject({
      rule: 'lifetime',
      limit: { limit: '250', spent: '250', remaining: '0' },
      retryAllowed: false,
    });
  });
});
