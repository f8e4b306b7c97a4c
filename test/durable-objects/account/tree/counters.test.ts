import { runDurableObjectAlarm } from 'cloudflare:test';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { nowSeconds } from '../../../../src/core/clock.ts';
import type { Hex } from '../../../../src/core/hex.ts';
import { BUILT_IN_POLICY } from '../../../../src/policy/policy.ts';
import { EMPTY_PURSE } from '../../../../durable-objects/account/purse.ts';
import {
  ACCOUNT,
  type AccountState,
  emptyAccount,
} from '../../../../durable-objects/account/state.ts';
import { withoutDeadCounters } from '../../../../durable-objects/account/tree/counters.ts';
import { merge } from '../../../../durable-objects/account/tree/merge-report.ts';
import { ALONE } from '../../../properties/alone.ts';
import { accountOf, asset, purseOf, randomHex, storedAccountOf, stubOf } from '../../support.ts';
import {
  branchWith,
  callOnce,
  enrol,
  faultOf,
  ownerWith,
  pass,
  restore,
  revoke,
  ruleOf,
  setPolicy,
} from '../../tree-support.ts';

const HOUR = 3_600;
const DAY = 86_400;

// Start a minute after midnight, so that no period ends during a test unless the test moves the clock.
beforeEach(() => pass(DAY - (nowSeconds() % DAY) + 60));
afterEach(restore);

/** Names of the counters in an account's row. */
const countersOf = async (payer: Hex): Promise<string[]> => {
  const { purses } = await storedAccountOf(payer);
  return Object.keys(purses[asset]?.windows ?? {}).toSorted();
};
const rowBytes = async (payer: Hex): Promise<number> =>
  JSON.stringify(ACCOUNT.encode(await storedAccountOf(payer))).length;

const windowsOf = (...every: (string | number)[]) => ({
  windows: every.map((each) => ({ every: each, limit: '1000u' })),
});
const call = async (payer: Hex, price: bigint) => ruleOf(await callOnce(payer, price));

describe('counters of a replaced policy', () => {
  test('are removed by the next change after their period, so the row does not grow', async () => {
    const payer = await ownerWith(100_000n);
    const sizes: number[] = [];
    for (let change = 0; change < 30; change += 1) {
      // Sixteen windows that no other policy has.
      const every = Array.from({ length: 16 }, (_, at) => 60 + change * 16 + at);
      expect(await setPolicy(payer, windowsOf(...every))).toMatchObject({ verdict: 'applied' });
      expect(await call(payer, 1n)).toBe('go');
      sizes.push(await rowBytes(payer));
      pass(2 * HOUR);
    }
    expect(await countersOf(payer)).toHaveLength(16);
    expect(Math.max(...sizes) - (sizes[2] ?? 0)).toBeLessThan(500);
  }, 120_000);

  test('are removed by the alarm, too', async () => {
    const payer = await ownerWith(100_000n);
    await setPolicy(payer, windowsOf('hour'));
    expect(await call(payer, 1n)).toBe('go');
    await setPolicy(payer, windowsOf('day'));
    expect(await countersOf(payer)).toContain('hour');
    pass(3 * HOUR);
    await runDurableObjectAlarm(stubOf(payer));
    expect(await countersOf(payer)).not.toContain('hour');
  });

  test('stay while their period runs: a restored limit goes on counting', async () => {
    const payer = await ownerWith(100_000n);
    await setPolicy(payer, { ...windowsOf('day', 'month'), lifetime: '2000u' });
    expect(await call(payer, 600n)).toBe('go');
    for (const other of [
      null,
      windowsOf('hour'),
      { ...windowsOf('day'), lifetime: '900u' },
      null,
    ]) {
      await setPolicy(payer, other);
    }
    pass(2 * HOUR);
    await setPolicy(payer, windowsOf('day'));
    expect(await call(payer, 401n)).toBe('window');
    expect(await call(payer, 400n)).toBe('go');
    await setPolicy(payer, { lifetime: '1000u' });
    // 600 were spent under the first policy. The 400 were spent while no policy had a lifetime limit.
    expect(await call(payer, 401n)).toBe('lifetime');
  });

  test('of a lifetime limit stay for good, through every edit of the limit', async () => {
    const payer = await ownerWith(100_000n);
    await setPolicy(payer, { lifetime: '1000u' });
    expect(await call(payer, 1_000n)).toBe('go');
    await setPolicy(payer, null);
    pass(400 * DAY);
    await setPolicy(payer, windowsOf('hour'));
    await setPolicy(payer, { lifetime: '1000u' });
    expect(await call(payer, 1n)).toBe('lifetime');
  });

  test('are bounded: a policy cannot add a window while 128 are still counted', async () => {
    const payer = await ownerWith(100_000n);
    for (let change = 0; change < 8; change += 1) {
      const every = Array.from({ length: 16 }, (_, at) => 30 * DAY + change * 16 + at);
      expect(await setPolicy(payer, windowsOf(...every))).toMatchObject({ verdict: 'applied' });
      expect(await call(payer, 1n)).toBe('go');
    }
    expect(await countersOf(payer)).toHaveLength(128);
    const refused = faultOf(await setPolicy(payer, windowsOf('hour')));
    expect(refused).toMatchObject({ reason: 'not_writable' });
    expect('hint' in refused && refused.hint).toContain('cannot add hour');
    // A known window may return, and a policy can always be removed.
    expect(await setPolicy(payer, windowsOf(30 * DAY))).toMatchObject({ verdict: 'applied' });
    expect(await setPolicy(payer, null)).toMatchObject({ verdict: 'applied' });
  });
});

describe('counters that something refers to', () => {
  const HASH: Hex = `0x${'aa'.repeat(32)}`;
  const now = 1_800_000_000;
  const start = now - (now % HOUR);
  const counter = { start, spent: 5n, held: 0n, leased: 0n, drawn: 0n };
  const stateWith = (windows: object, more: Partial<AccountState> = {}): AccountState => ({
    ...emptyAccount(accountOf(randomHex(20))),
    purses: { [asset]: { ...EMPTY_PURSE, windows: windows as typeof EMPTY_PURSE.windows } },
    ...more,
  });
  const left = (state: AccountState, at: number) =>
    Object.keys(
      withoutDeadCounters(state, { now: at, policy: BUILT_IN_POLICY }).purses[asset]?.windows ?? {},
    );

  test('stay for an hour after their period, whatever the clocks show', () => {
    const state = stateWith({ hour: counter });
    expect(left(state, start + 2 * HOUR - 1)).toEqual(['hour']);
    expect(left(state, start + 2 * HOUR)).toEqual([]);
  });

  test('stay while a call holds money of a revoked grant, and while a lease is outstanding', () => {
    const name = `${HASH}/lifetime`;
    const of = (changes: object) => stateWith({ [name]: { ...counter, start: 0, ...changes } });
    expect(left(of({}), now)).toEqual([]);
    expect(left(of({ held: 3n }), now)).toEqual([name]);
    expect(left(of({ leased: 3n, drawn: 2n }), now)).toEqual([name]);
    expect(left(of({ leased: 3n, drawn: 3n }), now)).toEqual([]);
  });

  test('stay unchanged while no period has ended', () => {
    const state = stateWith({ hour: counter, lifetime: { ...counter, start: 0 } });
    expect(withoutDeadCounters(state, { now, policy: BUILT_IN_POLICY })).toBe(state);
  });

  test('do not come back when a child repeats its report', () => {
    const state = stateWith({});
    const share = { start: 0, granted: 3n, returned: 0n, spent: 3n, held: 0n };
    const shares = { [`${HASH}/lifetime`]: share };
    const row = { child: accountOf(randomHex(20)), issued: HASH, asset, until: now, shares };
    const context = { ...ALONE, now, policy: BUILT_IN_POLICY, policyHash: HASH, salt: () => HASH };
    const merged = merge(state, row, shares, context);
    expect(merged.changed).toBe(false);
    expect(merged.state.purses[asset]?.windows).toEqual({});
  });

  test('of a revoked grant are removed, and the account calls by another grant', async () => {
    const owner = await ownerWith(10_000n);
    const agent = randomHex(20);
    const first = await enrol(owner, agent);
    expect(await call(agent, 10n)).toBe('go');
    expect((await countersOf(agent)).some((name) => name.startsWith(first.hash))).toBe(true);
    await revoke(agent, first.delegation.id);
    await setPolicy(agent, { perCall: '100u' });
    expect((await countersOf(agent)).some((name) => name.startsWith(first.hash))).toBe(false);
    await enrol(owner, agent);
    expect(await call(agent, 10n)).toBe('go');
  });
});

describe('shares of an ancestor’s limit', () => {
  const sharesOf = async (payer: Hex): Promise<string[]> => {
    const { tree } = await storedAccountOf(payer);
    return [...new Set(Object.values(tree.shares).flatMap((own) => Object.keys(own)))].toSorted();
  };

  test('are removed after their period, and count in it until then', async () => {
    const { owner, agent } = await branchWith(100_000n, windowsOf('hour'));
    expect(await call(agent, 100n)).toBe('go');
    expect(await sharesOf(agent)).toContain('hour');
    await setPolicy(owner, windowsOf('day'));
    expect(await call(agent, 100n)).toBe('go');
    // The clock is back in the same hour, in which 200 were spent, 100 of them counted in this window.
    await setPolicy(owner, windowsOf('hour'));
    expect(await call(agent, 901n)).toBe('window');
    await setPolicy(owner, windowsOf('day'));
    pass(3 * HOUR);
    expect(await call(agent, 1n)).toBe('go');
    await runDurableObjectAlarm(stubOf(agent));
    expect(await sharesOf(agent)).not.toContain('hour');
    expect((await purseOf(owner)).limits.length).toBeGreaterThan(0);
  });
});
