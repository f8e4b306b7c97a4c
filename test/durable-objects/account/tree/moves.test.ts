import { evictDurableObject, runDurableObjectAlarm } from 'cloudflare:test';
import { afterEach, describe, expect, test } from 'vitest';
import {
  accountOf,
  entriesOf,
  factsOf,
  intentCallOf,
  purseOf,
  randomHex,
  stubOf,
  success,
} from '../../support.ts';
import {
  callOnce,
  denialOf,
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
} from '../../tree-support.ts';

afterEach(restore);

describe('a holder', () => {
  test('that declines a grant stays governed: a revoked agent is no stranger', async () => {
    const owner = await ownerWith(10_000n);
    const agent = await ownerWith(500n);
    const grant = await enrol(owner, agent);
    await evictDurableObject(stubOf(agent));
    expect(await revoke(agent, grant.delegation.id)).toMatchObject({ changed: true });
    for (let round = 0; round < 2; round += 1) {
      expect(denialOf(await callOnce(agent, 100n))).toMatchObject({
        rule: 'revoked',
        grant: grant.hash,
        authority: grant.hash,
        retryAllowed: false,
      });
      expect(ruleOf(await freeOnce(agent))).toBe('revoked');
      await evictDurableObject(stubOf(agent));
    }
    // The agent's owner may still read and freeze it.
    expect(await stubOf(agent).relation({ by: accountOf(owner) })).toMatchObject({
      relation: 'ancestor',
    });
  });

  test('that declines one of two grants continues with the other', async () => {
    const owner = await ownerWith(10_000n);
    const agent = randomHex(20);
    const first = await enrol(owner, agent, { maxPerCall: 50n });
    const second = await enrol(owner, agent);
    expect(ruleOf(await callOnce(agent, 100n))).toBe('go');
    await revoke(agent, second.delegation.id);
    expect(denialOf(await callOnce(agent, 100n))).toMatchObject({
      rule: 'per_call',
      grant: first.hash,
    });
  });
});

describe('a move to another parent', () => {
  const cutOff = { reason: 'grant_refused', field: 'delegation.issuer' };

  test('needs consent, waits until no lease is held, and ends the former grants', async () => {
    const owner = await ownerWith(10_000n, { windows: [{ every: 60, limit: '9000u' }] });
    const next = await ownerWith(10_000n);
    const agent = randomHex(20);
    const old = await enrol(owner, agent);
    // Makes several calls, so that the agent leases more than it spends.
    for (let i = 0; i < 5; i += 1) expect(ruleOf(await callOnce(agent, 100n))).toBe('go');
    const grant = grantOf(next, agent);
    expect(await offer(grant)).toMatchObject({ changed: true });
    expect(faultOf(await register(grant))).toEqual({
      reason: 'holds_leases',
      field: 'delegation.issuer',
    });
    // The agent's lease and the window of its share have ended, and it has returned unused credit.
    pass(130);
    await runDurableObjectAlarm(stubOf(agent));
    expect(await purseOf(owner)).toMatchObject({ credit: '9500', creditLent: '0' });
    expect(await register(grant)).toMatchObject({ verdict: 'applied', changed: true });
    await setStatus(owner, 'frozen');
    expect(ruleOf(await callOnce(agent, 100n))).toBe('go');
    expect(ruleOf(await callOnce(agent, 100n, { authority: old.hash }))).toBe('authority');
    const accepted = (await entriesOf(agent)).filter(({ type }) => type === 'call.accepted');
    expect(accepted.map(({ payment }) => payment?.['grant'])).toEqual([
      ...Array.from({ length: 5 }, () => old.hash),
      grant.hash,
    ]);
  });

  test('waits for calls that still run on money of the former parent', async () => {
    const owner = await ownerWith(10_000n);
    const next = await ownerWith(10_000n);
    const agent = randomHex(20);
    await enrol(owner, agent);
    const call = intentCallOf(agent, { price: 100n, settlement: 'credit', timeoutSeconds: 600 });
    const attempt = randomHex(16);
    await stubOf(agent).reserve(call, attempt, { facts: factsOf(0n) });
    pass(100);
    const grant = grantOf(next, agent);
    expect(faultOf(await register(grant))).toMatchObject({ reason: 'holds_leases' });
    await stubOf(agent).finish(call.id, attempt, success);
    expect((await register(grant)).verdict).toBe('applied');
  });

  test('is impossible after the holder declined a grant that it used', async () => {
    const owner = await ownerWith(10_000n);
    const agent = randomHex(20);
    const grant = await enrol(owner, agent);
    expect(ruleOf(await callOnce(agent, 100n, { authority: grant.hash }))).toBe('go');
    await revoke(agent, grant.delegation.id);
    pass(130);
    const moved = await register(grantOf(await ownerWith(1_000n), agent));
    expect(faultOf(moved)).toMatchObject(cutOff);
  });

  test('is impossible after its owner cut it off', async () => {
    const owner = await ownerWith(10_000n);
    const agent = randomHex(20);
    const grant = await enrol(owner, agent);
    expect(ruleOf(await callOnce(agent, 100n))).toBe('go');
    expect(await revoke(owner, grant.delegation.id)).toMatchObject({
      acknowledged: [accountOf(agent)],
    });
    pass(130);
    // A thief of the key can also sign a consent.
    const moved = await register(grantOf(await ownerWith(1_000n), agent));
    expect(faultOf(moved)).toMatchObject(cutOff);
  });

  test('is impossible after its owner cut it off while it slept', async () => {
    const owner = await ownerWith(10_000n);
    const agent = randomHex(20);
    const grant = await enrol(owner, agent);
    expect(await revoke(owner, grant.delegation.id)).toMatchObject({ acknowledged: [] });
    const moved = await register(grantOf(await ownerWith(1_000n), agent));
    expect(faultOf(moved)).toMatchObject(cutOff);
  });
});
