import { runDurableObjectAlarm } from 'cloudflare:test';
import { afterEach, describe, expect, test } from 'vitest';
import { nowSeconds } from '../../../../src/core/clock.ts';
import type { Hex } from '../../../../src/core/hex.ts';
import { encodePurse } from '../../../../durable-objects/account/purse.ts';
import { HELD_GRANT, REVOKED_GRANT } from '../../../../durable-objects/account/tree/grants.ts';
import { encodeTree } from '../../../../durable-objects/account/tree/tree.ts';
import { ENTRY } from '../../../../durable-objects/store/entry.ts';
import { entriesOf, randomHex, storedAccountOf, stubOf, tablesOf } from '../../support.ts';
import {
  branchWith,
  callOnce,
  enrol,
  faultOf,
  grantOf,
  ownerWith,
  pass,
  putToSleep,
  register,
  restore,
  revoke,
  ruleOf,
  watchLeases,
} from '../../tree-support.ts';
import { countOf, DAY, tidy, windowOf } from './fleets.ts';

afterEach(restore);

describe('an account that has never paid', () => {
  const withoutFacts = (issuer: Hex) =>
    stubOf(issuer).apply({
      kind: 'revoke',
      revocation: { issuer, id: randomHex(32), epoch: 0n, issuedAt: 1n },
      hash: randomHex(32),
      signature: '0x66',
    });

  test('writes no row when it revokes a grant of another issuer', async () => {
    const stranger = randomHex(20);
    for (let i = 0; i < 5; i += 1) {
      expect(faultOf(await revoke(stranger, randomHex(32)))).toMatchObject({
        reason: 'unknown_grant',
      });
      expect(await withoutFacts(stranger)).toMatchObject({ verdict: 'refused' });
    }
    expect(await tablesOf(stranger)).toEqual([]);
  });

  test('writes no row for such a revocation when it has a parent, either', async () => {
    const stranger = randomHex(20);
    const grant = await enrol(stranger, randomHex(20));
    const before = await countOf(stranger, ENTRY);
    for (let i = 0; i < 5; i += 1) {
      expect(faultOf(await revoke(stranger, randomHex(32)))).toMatchObject({
        reason: 'unknown_grant',
      });
      expect(await withoutFacts(stranger)).toMatchObject({ verdict: 'refused' });
    }
    expect(await countOf(stranger, REVOKED_GRANT)).toBe(0);
    expect(await countOf(stranger, ENTRY)).toBe(before);
    // The stranger may revoke a grant that it issued itself.
    expect(await revoke(stranger, grant.delegation.id)).toMatchObject({ verdict: 'applied' });
    expect(await countOf(stranger, REVOKED_GRANT)).toBe(1);
  });

  test('cannot revoke an id before its registration; a paying account can', async () => {
    const owner = await ownerWith(1_000n);
    const grant = grantOf(owner, randomHex(20));
    expect(await revoke(owner, grant.delegation.id)).toMatchObject({ verdict: 'applied' });
    expect(faultOf(await register(grant))).toMatchObject({ reason: 'grant_revoked' });
  });
});

describe('grants that have ended', () => {
  test('leave no shares, answers or counters in the rows of their agent and manager', async () => {
    const owner = await ownerWith(1_000_000n, windowOf(100_000));
    const [manager, agent] = [randomHex(20), randomHex(20)];
    const sizeOf = (payer: Hex) =>
      storedAccountOf(payer).then(({ tree, purses }) => ({
        t: JSON.stringify(encodeTree(tree)).length,
        p: JSON.stringify(Object.values(purses).map(encodePurse)).length,
      }));
    const sizes = [];
    for (let i = 0; i < 6; i += 1) {
      const own = {
        validUntil: BigInt(nowSeconds() + 600),
        windowSeconds: 60n,
        maxPerWindow: 1_000n,
        maxTotal: 100_000n,
      };
      const { hash: parent } = await enrol(owner, manager, { ...own, depth: 1 });
      await enrol(manager, agent, { ...own, parent });
      for (const payer of [agent, manager]) {
        for (let each = 0; each < 3; each += 1) {
          expect(ruleOf(await callOnce(payer, 10n))).toBe('go');
        }
      }
      pass(70);
      for (const payer of [agent, manager]) await runDurableObjectAlarm(stubOf(payer));
      pass(600 + 2 * 3_600);
      for (const payer of [agent, manager]) await tidy(payer);
      sizes.push({ agent: await sizeOf(agent), manager: await sizeOf(manager) });
    }
    const [, first] = sizes;
    const last = sizes.at(-1);
    // Totals may grow by a few digits. A stored grant would add hundreds of characters.
    for (const who of ['agent', 'manager'] as const) {
      for (const column of ['t', 'p'] as const) {
        expect(last?.[who][column]).toBeLessThanOrEqual((first?.[who][column] ?? 0) + 20);
      }
    }
    // The accounts delete the grants' own rows when the next grant arrives.
    pass(2 * DAY);
    const { hash: parent } = await enrol(owner, manager, { depth: 1 });
    await enrol(manager, agent, { parent });
    expect(ruleOf(await callOnce(agent, 10n))).toBe('go');
    pass(4_300);
    await tidy(agent);
    expect(await countOf(agent, HELD_GRANT)).toBe(1);
  });
});

describe('the grant of a call that names none', () => {
  const grantsOf = async (payer: Hex) =>
    (await entriesOf(payer))
      .filter(({ type, tool }) => type === 'call.accepted' && tool === 'lookup')
      .map(({ payment }) => payment?.['grant']);

  test.for([
    ['for the called origin', { audience: 'https://other.example' }],
    ['that is already valid', { validAfter: BigInt(nowSeconds() + DAY) }],
  ] as const)('is one %s', async ([, changes]) => {
    const owner = await ownerWith(10_000n);
    const agent = randomHex(20);
    await enrol(owner, agent, changes);
    const { hash } = await enrol(owner, agent);
    expect(ruleOf(await callOnce(agent, 10n))).toBe('go');
    await putToSleep(agent);
    expect(ruleOf(await callOnce(agent, 10n))).toBe('go');
    expect(await grantsOf(agent)).toEqual([hash, hash]);
  });
});

describe('a registration that fails on its own fields', () => {
  test('sends no request to ancestors', async () => {
    const { agent, manager, upper, lower } = await branchWith(1_000n);
    for (let i = 0; i < 10; i += 1) await enrol(manager, agent, { parent: upper.hash });
    const leases = watchLeases();
    const refusedOf = [
      // A grant deeper than its parent, one with a later end, and one of an unknown parent grant.
      { parent: upper.hash, depth: 5 },
      { parent: upper.hash, validUntil: upper.delegation.validUntil + 1n },
      { parent: randomHex(32) },
      { id: lower.delegation.id, parent: upper.hash },
    ];
    for (const changes of refusedOf) {
      expect((await register(grantOf(manager, randomHex(20), changes))).verdict).toBe('refused');
    }
    expect(leases).toEqual([]);
    // A valid registration sends a request, so the check above is meaningful.
    await enrol(manager, randomHex(20), { parent: upper.hash });
    expect(leases.length).toBeGreaterThan(0);
  });
});
