import { evictDurableObject } from 'cloudflare:test';
import { afterEach, describe, expect, test } from 'vitest';
import type { Hex } from '../../../../src/core/hex.ts';
import { accountOf, randomHex, snapshotOf, stubOf } from '../../support.ts';
import {
  branchWith,
  callOnce,
  enrol,
  grantOf,
  offer,
  ownerWith,
  pass,
  register,
  restore,
  ruleOf,
} from '../../tree-support.ts';
import {
  intentOf,
  ownerBy,
  operator,
  applyStatus,
  applyPolicy,
  applyLabel,
  applyDocument,
  standingOf,
  changed,
  refused,
  lastEntry,
  tight,
  wide,
} from './command-support.ts';

afterEach(restore);

describe('the statuses of operator and owner', () => {
  test('are lifted only by the side that set them', async () => {
    const owner = await ownerWith(1_000n);
    const by = ownerBy(owner);
    await applyStatus(owner, operator, 'frozen');
    expect(await applyStatus(owner, by, 'paused')).toMatchObject(changed);
    expect(await standingOf(owner)).toMatchObject({
      status: 'frozen',
      operatorStatus: 'frozen',
      ownerStatus: 'paused',
    });
    await applyStatus(owner, by, 'active');
    expect(ruleOf(await callOnce(owner, 10n))).toBe('frozen');
    await applyStatus(owner, by, 'paused');
    await applyStatus(owner, operator, 'active');
    await evictDurableObject(stubOf(owner));
    expect(ruleOf(await callOnce(owner, 10n))).toBe('paused');
    await applyStatus(owner, by, 'active');
    expect(ruleOf(await callOnce(owner, 10n))).toBe('go');
  });

  test('stay revoked once one side revoked the account', async () => {
    const { owner, agent } = await branchWith(1_000n);
    await applyStatus(agent, operator, 'revoked');
    for (const by of [operator, ownerBy(owner)]) {
      await applyStatus(agent, by, 'active');
      expect((await standingOf(agent)).status).toBe('revoked');
    }
    expect(await applyStatus(agent, operator, 'paused')).toMatchObject(refused('grant_refused'));
  });

  test('are logged with the signer, its role and the resulting status', async () => {
    const { owner, agent } = await branchWith(1_000n);
    await applyStatus(agent, operator, 'frozen');
    const order = intentOf();
    await applyStatus(agent, ownerBy(owner), 'paused', order);
    expect(await lastEntry(agent)).toMatchObject({
      type: 'account.status',
      decision: 'paused',
      outcome: { side: 'owner', status: 'frozen' },
      evidence: {
        order: order.fields,
        signature: order.signature,
        by: accountOf(owner),
        role: 'owner',
      },
    });
  });
});

describe('an ancestor between owner and agent', () => {
  test('cannot lift a freeze of its own ancestor, and may freeze the agent again once it is lifted', async () => {
    const { owner, manager, agent } = await branchWith(1_000n);
    const [root, middle] = [ownerBy(owner), ownerBy(manager)];
    await applyStatus(agent, root, 'frozen');
    for (const status of ['active', 'paused', 'revoked'] as const) {
      expect(await applyStatus(agent, middle, status)).toEqual(refused('forbidden'));
    }
    expect(await applyStatus(agent, root, 'active')).toMatchObject(changed);
    expect(await applyStatus(agent, middle, 'frozen')).toMatchObject(changed);
    expect(await applyStatus(agent, root, 'paused')).toMatchObject(changed);
    expect(await applyStatus(agent, middle, 'active')).toEqual(refused('forbidden'));
  });

  test('cannot lift its own freeze once its ancestor has ordered it too', async () => {
    const { owner, manager, agent } = await branchWith(1_000n);
    expect(await applyStatus(agent, ownerBy(manager), 'frozen')).toMatchObject(changed);
    expect(await applyStatus(agent, ownerBy(owner), 'frozen')).toMatchObject(changed);
    // The freeze remains the owner's when a descendant freezes the account again.
    expect(await applyStatus(agent, ownerBy(manager), 'frozen')).toMatchObject({ changed: false });
    await evictDurableObject(stubOf(agent));
    expect(await applyStatus(agent, ownerBy(manager), 'active')).toEqual(refused('forbidden'));
  });

  test('cannot replace or remove a policy of its ancestor', async () => {
    const { owner, manager, agent } = await branchWith(1_000n);
    const [root, middle] = [ownerBy(owner), ownerBy(manager)];
    const any = { expected: '*' as const };
    expect(await applyPolicy(agent, middle, wide)).toMatchObject(changed);
    expect(await applyPolicy(agent, root, tight, any)).toMatchObject(changed);
    for (const document of [wide, null]) {
      expect(await applyPolicy(agent, middle, document, any)).toEqual(refused('forbidden'));
      expect(await applyPolicy(agent, middle, document)).toEqual(refused('forbidden'));
    }
    expect(await applyPolicy(agent, middle, tight, any)).toMatchObject({ changed: false });
    expect(ruleOf(await callOnce(agent, 50n))).toBe('per_call');
    await evictDurableObject(stubOf(agent));
    expect(await applyPolicy(agent, middle, wide, any)).toEqual(refused('forbidden'));
    expect(await applyPolicy(agent, root, null)).toMatchObject(changed);
    expect(await applyPolicy(agent, middle, wide)).toMatchObject(changed);
    // The ancestor that sets the same policy becomes its author.
    expect(await applyPolicy(agent, root, wide)).toMatchObject(changed);
    expect(await applyPolicy(agent, middle, tight, any)).toEqual(refused('forbidden'));
  });

  test('sets a policy that applies together with the operator’s', async () => {
    const { owner, agent } = await branchWith(10_000n);
    await applyPolicy(agent, operator, { perCall: '100u' });
    await applyPolicy(agent, ownerBy(owner), wide);
    expect(ruleOf(await callOnce(agent, 500n))).toBe('per_call');
    expect((await standingOf(agent)).etags).toEqual({
      operator: expect.any(String) as string,
      owner: expect.any(String) as string,
    });
  });
});

describe('the issuer of a grant', () => {
  const orders = (issuer: Hex, key: Hex) => [
    applyStatus(key, ownerBy(issuer), 'revoked'),
    applyPolicy(key, ownerBy(issuer), { tools: [] }),
    applyLabel(key, ownerBy(issuer), 'mine'),
    applyDocument(
      key,
      { url: 'https://stranger.example' },
      { type: 'webhook', by: ownerBy(issuer) },
    ),
  ];

  test('has no permission over an account that did not consent', async () => {
    const stranger = await ownerWith(1_000n);
    for (const key of [randomHex(20), await ownerWith(100n)]) {
      await offer(grantOf(stranger, key));
      const before = await snapshotOf(key);
      for (const ordered of await Promise.all(orders(stranger, key))) {
        expect(ordered).toEqual(refused('forbidden'));
      }
      expect(await snapshotOf(key)).toEqual(before);
    }
  });

  test('has permission once the account has consented', async () => {
    const owner = await ownerWith(1_000n);
    const key = randomHex(20);
    await enrol(owner, key);
    for (const ordered of await Promise.all(orders(owner, key))) {
      expect(ordered).toMatchObject(changed);
    }
  });

  test('keeps an account that it froze from moving to a new owner (law 8)', async () => {
    const owner = await ownerWith(1_000n);
    const key = randomHex(20);
    await enrol(owner, key);
    await applyStatus(key, ownerBy(owner), 'frozen');
    const next = await ownerWith(1_000n);
    pass(100);
    expect(await register(grantOf(next, key))).toMatchObject(refused('grant_refused'));
    expect((await standingOf(key)).status).toBe('frozen');
  });
});
