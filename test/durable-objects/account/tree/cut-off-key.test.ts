import { afterEach, describe, expect, test } from 'vitest';
import type { Hex } from '../../../../src/core/hex.ts';
import { accountOf, asset, randomHex, stubOf } from '../../support.ts';
import {
  callOnce,
  enrol,
  faultOf,
  freeOnce,
  grantOf,
  offer,
  ownerWith,
  pass,
  putToSleep,
  register,
  restore,
  revoke,
  ruleOf,
  setStatus,
  watchLeases,
} from '../../tree-support.ts';

afterEach(restore);

describe('a key that was cut off', () => {
  /** Tops the agent up from another account, so that the agent has money of its own. */
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
