import { afterEach, describe, expect, test } from 'vitest';
import { nowSeconds } from '../../../../src/core/clock.ts';
import { ANY_PAYEE } from '../../../../src/policy/rules/payees.ts';
import type { AgentDelegation } from '../../../../src/protocol/intent/agent-delegation.ts';
import { randomHex, snapshotOf, tablesOf } from '../../support.ts';
import {
  branchWith,
  callOnce,
  enrol,
  faultOf,
  grantOf,
  ownerWith,
  pass,
  register,
  restore,
  revoke,
  ruleOf,
  ZERO,
} from '../../tree-support.ts';

afterEach(restore);

describe('a grant under another grant', () => {
  const [alice, bob, carol] = [randomHex(20), randomHex(20), randomHex(20)];
  const start = nowSeconds();
  const narrow: Partial<AgentDelegation> = {
    tools: ['lookup', 'pay.*'],
    payees: [alice, bob],
    maxPerCall: 1_000n,
    maxTotal: 10_000n,
    windowSeconds: 3_600n,
    maxPerWindow: 5_000n,
    validAfter: BigInt(start - 100),
    validUntil: BigInt(start + 86_400),
    depth: 1,
  };
  const wider: readonly (readonly [string, keyof AgentDelegation, Partial<AgentDelegation>])[] = [
    ['another tool', 'tools', { tools: ['lookup', 'search'] }],
    ['all tools', 'tools', { tools: ['*'] }],
    ['the name that a prefix stands before', 'tools', { tools: ['pay'] }],
    ['another payee', 'payees', { payees: [alice, carol] }],
    ['all payees', 'payees', { payees: [ANY_PAYEE] }],
    ['another asset', 'asset', { asset: randomHex(20) }],
    ['dearer calls', 'maxPerCall', { maxPerCall: 1_001n }],
    ['more in total', 'maxTotal', { maxTotal: 10_001n }],
    ['more in the same window', 'maxPerWindow', { maxPerWindow: 5_001n }],
    ['a shorter window', 'windowSeconds', { windowSeconds: 3_599n }],
    ['no window at all', 'windowSeconds', { windowSeconds: 0n, maxPerWindow: 0n }],
    ['an earlier start', 'validAfter', { validAfter: BigInt(start - 101) }],
    ['a later end', 'validUntil', { validUntil: BigInt(start + 86_401) }],
    ['as many grants below it as its parent', 'depth', { depth: 1 }],
    ['another audience', 'audience', { audience: 'https://other.example' }],
  ];

  test.for(wider)('with %s is rejected with the field', async ([, field, changes]) => {
    const owner = await ownerWith(1_000n);
    const manager = randomHex(20);
    const agent = randomHex(20);
    const { hash: parent } = await enrol(owner, manager, narrow);
    const before = await snapshotOf(manager);
    const grant = grantOf(manager, agent, { ...narrow, depth: 0, parent, ...changes });
    expect(faultOf(await register(grant))).toMatchObject({
      reason: 'grant_refused',
      field: `delegation.${field}`,
    });
    // Neither its issuer nor its delegate has stored anything of it.
    const { seq, revision } = await snapshotOf(manager);
    expect({ seq, revision }).toEqual({ seq: before.seq, revision: before.revision });
    expect(await tablesOf(agent)).toEqual([]);
    // The accounts accept the same grant within its parent's limits, so only the limits were wrong.
    const fits = grantOf(manager, agent, { ...narrow, depth: 0, parent });
    expect(await register(fits)).toMatchObject({ verdict: 'applied', changed: true });
  });

  test('with depth 0 allows no grant under it', async () => {
    const owner = await ownerWith(1_000n);
    const manager = randomHex(20);
    const { hash: parent } = await enrol(owner, manager, { depth: 0 });
    const grant = grantOf(manager, randomHex(20), { parent });
    expect(faultOf(await register(grant))).toMatchObject({ field: 'delegation.depth' });
  });

  test('is rejected unless its issuer holds the parent grant', async () => {
    const owner = await ownerWith(1_000n);
    const thief = await ownerWith(1_000n);
    const { hash: parent } = await enrol(owner, randomHex(20), { depth: 1 });
    for (const issuer of [thief, owner]) {
      expect(faultOf(await register(grantOf(issuer, randomHex(20), { parent })))).toEqual({
        reason: 'unknown_grant',
        field: 'delegation.parent',
      });
    }
  });

  test('is rejected when its parent is unknown', async () => {
    const { manager } = await branchWith(1_000n);
    const grant = grantOf(manager, randomHex(20), { parent: randomHex(32) });
    expect(faultOf(await register(grant))).toEqual({
      reason: 'unknown_grant',
      field: 'delegation.parent',
    });
  });

  test('is rejected when its parent has expired', async () => {
    const owner = await ownerWith(1_000n);
    const manager = randomHex(20);
    const validUntil = BigInt(nowSeconds() + 50);
    const { hash: parent } = await enrol(owner, manager, { depth: 1, validUntil });
    pass(51);
    const grant = grantOf(manager, randomHex(20), { parent, validUntil });
    expect(faultOf(await register(grant))).toMatchObject({
      reason: 'grant_refused',
      field: 'delegation.parent',
      got: 'expired',
    });
  });

  test('is rejected when its parent was revoked, although the holder got no push', async () => {
    const owner = await ownerWith(1_000n);
    const manager = randomHex(20);
    const upper = await enrol(owner, manager, { depth: 1 });
    // The manager never requested a lease, so the owner sends it no push.
    expect(await revoke(owner, upper.delegation.id)).toMatchObject({ acknowledged: [] });
    const grant = grantOf(manager, randomHex(20), { parent: upper.hash });
    expect(faultOf(await register(grant))).toMatchObject({
      reason: 'grant_refused',
      field: 'delegation.parent',
      got: 'revoked',
    });
  });

  test('is rejected when a grant further up was revoked', async () => {
    const { owner, agent, upper, lower } = await branchWith(1_000n);
    await revoke(owner, upper.delegation.id);
    const grant = grantOf(agent, randomHex(20), { parent: lower.hash });
    expect(faultOf(await register(grant))).toMatchObject({
      reason: 'grant_refused',
      field: 'delegation.parent',
      got: 'revoked',
    });
  });

  test('is rejected when a raised epoch revoked its parent', async () => {
    const owner = await ownerWith(1_000n);
    const manager = randomHex(20);
    const { hash: parent } = await enrol(owner, manager, { depth: 1, epoch: 4n });
    await revoke(owner, ZERO, 5n);
    const grant = grantOf(manager, randomHex(20), { parent, epoch: 9n });
    expect(faultOf(await register(grant))).toMatchObject({
      field: 'delegation.parent',
      got: 'revoked',
    });
  });

  test('may extend a chain to three grants; the fourth is rejected', async () => {
    const owner = await ownerWith(10_000n);
    const [first, second, third, fourth] = [
      randomHex(20),
      randomHex(20),
      randomHex(20),
      randomHex(20),
    ];
    const one = await enrol(owner, first, { depth: 3 });
    const two = await enrol(first, second, { depth: 2, parent: one.hash });
    const three = await enrol(second, third, { depth: 1, parent: two.hash });
    const four = grantOf(third, fourth, { depth: 0, parent: three.hash });
    expect(faultOf(await register(four))).toMatchObject({
      reason: 'grant_refused',
      field: 'delegation.parent',
    });
    // The first account of the chain pays for the last one's call.
    expect(ruleOf(await callOnce(third, 100n))).toBe('go');
  });

  test('is rejected when its delegate is an ancestor of its issuer, which would be a cycle', async () => {
    const { owner, manager, agent, upper, lower } = await branchWith(1_000n);
    const cycles = [
      grantOf(manager, owner, { parent: upper.hash }),
      grantOf(agent, owner, { parent: lower.hash }),
      grantOf(agent, manager, { parent: lower.hash }),
    ];
    for (const grant of cycles) {
      expect(faultOf(await register(grant))).toMatchObject({
        reason: 'grant_refused',
        field: 'delegation.delegate',
      });
    }
  });
});
