import { evictDurableObject } from 'cloudflare:test';
import { afterEach, describe, expect, test } from 'vitest';
import { nowSeconds } from '../../../../src/core/clock.ts';
import { ANY_PAYEE } from '../../../../src/policy/rules/payees.ts';
import type { AgentDelegation } from '../../../../src/protocol/intent/agent-delegation.ts';
import { accountOf, factsOf, randomHex, snapshotOf, stubOf, tablesOf } from '../../support.ts';
import {
  branchWith,
  callOnce,
  consent,
  enrol,
  faultOf,
  freeOnce,
  grantOf,
  offer,
  ownerWith,
  pass,
  register,
  restore,
  revoke,
  ruleOf,
  setStatus,
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
    // No trace of it remains at its issuer or its delegate.
    const { seq, revision } = await snapshotOf(manager);
    expect({ seq, revision }).toEqual({ seq: before.seq, revision: before.revision });
    expect(await tablesOf(agent)).toEqual([]);
    // The same grant within its parent's limits is taken, so nothing else was wrong with it.
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
    // The manager never requested a lease, so it gets no push.
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
    // The first account of the chain pays for the last.
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

describe('an owner', () => {
  test('cannot be a governed account: its descendants would escape every limit of its ancestors', async () => {
    const { manager } = await branchWith(1_000n);
    expect(faultOf(await register(grantOf(manager, randomHex(20))))).toMatchObject({
      reason: 'grant_refused',
      field: 'delegation.parent',
    });
  });

  test('takes no grant itself: two owners cannot own each other', async () => {
    const [one, other] = [await ownerWith(1_000n), await ownerWith(1_000n)];
    const [down, up] = [grantOf(one, other), grantOf(other, one)];
    expect((await offer(down)).verdict).toBe('applied');
    expect((await offer(up)).verdict).toBe('applied');
    for (const grant of [down, up]) {
      const taken = await stubOf(grant.delegation.delegate).apply({
        kind: 'take',
        grant,
        chain: [],
        consent: consent(),
      });
      expect(faultOf(taken)).toMatchObject({ field: 'delegation.delegate' });
    }
  });

  test('issues no grant while it is frozen', async () => {
    const owner = await ownerWith(1_000n);
    await setStatus(owner, 'frozen');
    expect(faultOf(await register(grantOf(owner, randomHex(20))))).toMatchObject({
      field: 'delegation.issuer',
      got: 'frozen',
    });
  });

  test('issues no grant below its raised epoch', async () => {
    const owner = await ownerWith(1_000n);
    await revoke(owner, ZERO, 7n);
    const agent = randomHex(20);
    expect(faultOf(await register(grantOf(owner, agent, { epoch: 6n })))).toEqual({
      reason: 'grant_revoked',
      field: 'delegation.epoch',
    });
    expect(await tablesOf(agent)).toEqual([]);
    expect((await register(grantOf(owner, agent, { epoch: 7n }))).verdict).toBe('applied');
    // A replay of the older epoch revokes nothing.
    expect(await revoke(owner, ZERO, 5n)).toMatchObject({ changed: false });
    expect(faultOf(await register(grantOf(owner, randomHex(20), { epoch: 5n })))).toMatchObject({
      field: 'delegation.epoch',
    });
  });

  test('without money creates no table by a grant or a revocation', async () => {
    const [stranger, agent] = [randomHex(20), randomHex(20)];
    expect(faultOf(await offer(grantOf(stranger, agent), 0n))).toEqual({
      reason: 'penniless',
      field: 'delegation.issuer',
    });
    const revoked = await stubOf(stranger).apply({
      kind: 'revoke',
      revocation: { issuer: stranger, id: randomHex(32), epoch: 0n, issuedAt: 0n },
      hash: randomHex(32),
      signature: '0x66',
      facts: factsOf(0n),
    });
    expect(faultOf(revoked)).toMatchObject({ reason: 'penniless' });
    expect(await tablesOf(stranger)).toEqual([]);
    expect(await tablesOf(agent)).toEqual([]);
    expect((await snapshotOf(stranger)).rowsWritten).toBe(0);
  });
});

describe('a registration', () => {
  test('changes nothing the second time', async () => {
    const owner = await ownerWith(1_000n);
    const [manager, agent] = [randomHex(20), randomHex(20)];
    const upper = await enrol(owner, manager, { depth: 1 });
    const lower = await enrol(manager, agent, { parent: upper.hash });
    for (const grant of [upper, lower]) {
      const { issuer, delegate } = grant.delegation;
      const before = [await snapshotOf(issuer), await snapshotOf(delegate)];
      await evictDurableObject(stubOf(issuer));
      expect(await offer(grant)).toMatchObject({
        verdict: 'applied',
        changed: false,
        chain: grant === lower ? [upper] : [],
      });
      expect(await register(grant)).toMatchObject({ verdict: 'applied', changed: false });
      const after = [await snapshotOf(issuer), await snapshotOf(delegate)];
      expect(after.map(({ seq, revision }) => ({ seq, revision }))).toEqual(
        before.map(({ seq, revision }) => ({ seq, revision })),
      );
    }
  });

  test('sent twice at once happens once', async () => {
    const owner = await ownerWith(1_000n);
    const agent = randomHex(20);
    const grant = grantOf(owner, agent);
    await Promise.all(Array.from({ length: 10 }, () => register(grant)));
    expect((await snapshotOf(owner)).revision).toBe(1);
    expect((await snapshotOf(agent)).revision).toBe(1);
  });

  test('is rejected when another grant has its id', async () => {
    const owner = await ownerWith(1_000n);
    const { delegation } = await enrol(owner, randomHex(20), { maxTotal: 5n });
    for (const changes of [{ maxTotal: 6n }, { delegate: randomHex(20) }]) {
      expect(
        faultOf(await register(grantOf(owner, randomHex(20), { ...delegation, ...changes }))),
      ).toEqual({ reason: 'already_registered', field: 'delegation.id' });
    }
  });

  test('is rejected for ever after its issuer revoked the grant', async () => {
    const owner = await ownerWith(1_000n);
    const agent = randomHex(20);
    const grant = await enrol(owner, agent);
    expect(await revoke(owner, grant.delegation.id)).toMatchObject({ changed: true });
    expect(await revoke(owner, grant.delegation.id)).toMatchObject({ changed: false });
    await evictDurableObject(stubOf(owner));
    const again = [grant, grantOf(owner, agent, { ...grant.delegation, maxTotal: 1n })];
    for (const each of again) {
      expect(faultOf(await register(each))).toEqual({
        reason: 'grant_revoked',
        field: 'delegation.id',
      });
    }
    expect(ruleOf(await freeOnce(agent))).toBe('revoked');
  });

  test('is rejected for ever after its holder declined the grant', async () => {
    const owner = await ownerWith(1_000n);
    const agent = randomHex(20);
    const grant = await enrol(owner, agent);
    await revoke(agent, grant.delegation.id);
    await evictDurableObject(stubOf(agent));
    expect(faultOf(await register(grant))).toEqual({
      reason: 'grant_revoked',
      field: 'delegation.id',
    });
  });

  test('is rejected when its id was revoked before', async () => {
    const owner = await ownerWith(1_000n);
    const agent = await ownerWith(1_000n);
    const [byIssuer, byHolder] = [grantOf(owner, agent), grantOf(owner, agent)];
    await revoke(owner, byIssuer.delegation.id);
    await revoke(agent, byHolder.delegation.id);
    for (const grant of [byIssuer, byHolder]) {
      expect(faultOf(await register(grant))).toEqual({
        reason: 'grant_revoked',
        field: 'delegation.id',
      });
    }
    // A stranger's revocation of the same id has no effect.
    const grant = grantOf(owner, randomHex(20));
    await revoke(await ownerWith(1_000n), grant.delegation.id);
    expect((await register(grant)).verdict).toBe('applied');
  });

  test('for another account is rejected', async () => {
    const owner = await ownerWith(1_000n);
    const grant = grantOf(owner, randomHex(20));
    const other = randomHex(20);
    const taken = await stubOf(other).apply({
      kind: 'take',
      grant,
      chain: [],
      consent: consent(),
    });
    expect(faultOf(taken)).toMatchObject({
      field: 'delegation.delegate',
      expected: accountOf(other),
    });
    expect(await tablesOf(other)).toEqual([]);
  });

  test('is rejected beyond sixteen live grants; expired ones do not count', async () => {
    const owner = await ownerWith(1_000n);
    const agent = randomHex(20);
    const short = { validUntil: BigInt(nowSeconds() + 100) };
    await enrol(owner, agent, short);
    for (let held = 1; held < 16; held += 1) await enrol(owner, agent);
    const more = grantOf(owner, agent);
    expect(faultOf(await register(more))).toMatchObject({ field: 'delegation.delegate' });
    pass(101);
    expect((await register(more)).verdict).toBe('applied');
  });
});
