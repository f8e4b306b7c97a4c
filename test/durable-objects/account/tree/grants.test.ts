import { evictDurableObject } from 'cloudflare:test';
import { afterEach, describe, expect, test } from 'vitest';
import { nowSeconds } from '../../../../src/core/clock.ts';
import { accountOf, factsOf, randomHex, snapshotOf, stubOf, tablesOf } from '../../support.ts';
import {
  branchWith,
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
