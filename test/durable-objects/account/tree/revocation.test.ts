import { evictDurableObject } from 'cloudflare:test';
import { afterEach, describe, expect, test } from 'vitest';
import { CALL } from '../../../../durable-objects/account/call/stored-call.ts';
import {
  accountOf,
  entriesOf,
  intentCallOf,
  onDisk,
  randomHex,
  stubOf,
  success,
} from '../../support.ts';
import {
  AUDIENCE,
  branchWith,
  callOnce,
  denialOf,
  enrol,
  freeOnce,
  LONG,
  ownerWith,
  pause,
  restore,
  revoke,
  ruleOf,
  watchRecalls,
  ZERO,
} from '../../tree-support.ts';
import { fleetWith } from './fleets.ts';

afterEach(restore);

describe('a revocation', () => {
  test('of one grant stops the grants under it, and nothing else', async () => {
    const { owner, manager, agent, sibling, upper } = await fleetWith();
    const other = await enrol(owner, manager, { depth: 1 });
    expect(await revoke(owner, upper.delegation.id)).toMatchObject({ changed: true, silent: [] });
    const stopped = [
      await callOnce(manager, 10n, { authority: upper.hash }),
      await callOnce(agent, 10n),
    ];
    for (const verdict of stopped) {
      expect(denialOf(verdict)).toMatchObject({
        rule: 'revoked',
        account: accountOf(owner),
        grant: upper.hash,
        retryAllowed: false,
      });
    }
    for (const account of [owner, sibling]) expect(ruleOf(await callOnce(account, 10n))).toBe('go');
    // The manager's other grant is still valid, whether a call names it or not.
    expect(ruleOf(await callOnce(manager, 10n, { authority: other.hash }))).toBe('go');
    expect(ruleOf(await callOnce(manager, 10n))).toBe('go');
    await evictDurableObject(stubOf(manager));
    expect(ruleOf(await callOnce(manager, 10n))).toBe('go');
  });

  test('of every grant below an epoch stops those, and no newer one', async () => {
    const owner = await ownerWith(10_000n);
    const [old, young] = [randomHex(20), randomHex(20)];
    const grant = await enrol(owner, old, { epoch: 1n });
    await enrol(owner, young, { epoch: 2n });
    for (const agent of [old, young]) expect(ruleOf(await callOnce(agent, 10n))).toBe('go');
    const revoked = await revoke(owner, ZERO, 2n);
    if (revoked.verdict !== 'applied') throw new Error('not governed');
    expect(revoked.acknowledged).toContain(accountOf(old));
    expect(denialOf(await callOnce(old, 10n))).toMatchObject({
      rule: 'revoked',
      account: accountOf(owner),
      grant: grant.hash,
    });
    expect(ruleOf(await callOnce(young, 10n))).toBe('go');
    expect((await stubOf(owner).children(undefined, 10)).children).toHaveLength(2);
    const statuses = (await stubOf(owner).children(undefined, 10)).children.map((child) => [
      child.account,
      child.status,
    ]);
    expect(Object.fromEntries(statuses)).toEqual({
      [accountOf(old)]: 'revoked',
      [accountOf(young)]: 'active',
    });
  });

  test('by a manager of its own grant stops its descendants at once', async () => {
    const { manager, agent, upper, lower } = await branchWith(10_000n);
    expect(ruleOf(await callOnce(agent, 10n))).toBe('go');
    expect(await revoke(manager, upper.delegation.id)).toMatchObject({
      acknowledged: [accountOf(agent)],
      silent: [],
    });
    expect(denialOf(await freeOnce(agent))).toMatchObject({
      rule: 'revoked',
      account: accountOf(manager),
      grant: lower.hash,
    });
  });

  test('during 500 calls in flight admits none after its acknowledgement, and every admitted call ends well', async () => {
    const owner = await ownerWith(1_000_000n, { windows: [{ every: LONG, limit: '900000u' }] });
    const agent = randomHex(20);
    const grant = await enrol(owner, agent);
    expect(ruleOf(await callOnce(agent, 10n))).toBe('go');
    const admitted = (): Promise<number> => onDisk(agent, (disk) => disk.count(CALL));

    let went = 0;
    let revoked: ReturnType<typeof revoke> | undefined;
    let acknowledgedAt: Promise<number> | undefined;
    watchRecalls(async (_, real) => {
      const returned = await real();
      acknowledgedAt = admitted();
      return returned;
    });
    const begun = Promise.withResolvers<void>();
    const calls = Array.from({ length: 500 }, () => ({
      call: intentCallOf(agent, { price: 10n, settlement: 'credit', audience: AUDIENCE }),
      attempt: randomHex(16),
    }));
    const verdicts = await Promise.all(
      calls.map(async ({ call, attempt }, at) => {
        // Sends the calls in waves, so that some are decided, some are being decided, and some have not arrived.
        await pause(Math.floor(at / 25) * 4);
        // The last wave arrives after the revocation, even on a slow machine.
        if (at >= 475) await begun.promise.then(() => revoked);
        const verdict = await stubOf(agent).reserve(call, attempt, {});
        if (verdict.verdict === 'go') went += 1;
        if (went >= 150) {
          revoked ??= revoke(owner, grant.delegation.id);
          begun.resolve();
        }
        return verdict;
      }),
    );
    expect(await revoked).toMatchObject({ acknowledged: [accountOf(agent)], silent: [] });
    const gone = calls.filter((_, at) => verdicts[at]?.verdict === 'go');
    expect(gone.length).toBeGreaterThanOrEqual(150);
    expect(gone.length).toBeLessThan(500);
    // One call ran before. The account admitted none after its acknowledgement.
    expect(await acknowledgedAt).toBe(gone.length + 1);
    expect(await admitted()).toBe(gone.length + 1);
    const denials = verdicts.filter(({ verdict }) => verdict !== 'go').map(denialOf);
    // This many denials at once also exceed the rate limit of denials.
    const paced = denials.filter(({ rule }) => rule === 'denial_rate');
    expect(denials.length - paced.length).toBeGreaterThanOrEqual(Math.min(denials.length, 300));
    for (const denial of denials.filter(({ rule }) => rule !== 'denial_rate')) {
      expect(denial).toMatchObject({ rule: 'revoked', account: accountOf(owner) });
    }
    for (const { call, attempt } of gone) {
      expect(await stubOf(agent).finish(call.id, attempt, success)).toMatchObject({
        state: 'committed',
        charged: 10n,
      });
    }
    const entries = await entriesOf(agent);
    for (const type of ['call.accepted', 'call.finished'] as const) {
      const logged = entries.filter((entry) => entry.type === type).map(({ call }) => call);
      expect(logged).toEqual(expect.arrayContaining(gone.map(({ call }) => call.id)));
      expect(logged).toHaveLength(gone.length + 1);
    }
  });
});
