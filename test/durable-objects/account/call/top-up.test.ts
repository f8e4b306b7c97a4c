import { evictDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { describe, expect, test } from 'vitest';
import type { Hex } from '../../../../src/core/hex.ts';
import type { Outcome } from '../../../../src/protocol/account/call.ts';
import type { CreditCommand } from '../../../../src/protocol/account/command.ts';
import {
  accountOf,
  asset,
  callOf,
  entriesOf,
  failure,
  intentCallOf,
  purseOf,
  randomHex,
  settleFirst,
  stubOf,
  success,
  topUp,
  topUpOf,
  trust,
} from '../../support.ts';

const MILLION = 1_000_000n;

/** Stores a default policy for one account: an object reads the configured policy at its first decision and keeps it. */
const setPolicy = async (payer: Hex, policy: object): Promise<void> => {
  Object.assign(env, { DEFAULT_POLICY: JSON.stringify(policy) });
  try {
    await stubOf(payer).snapshot();
  } finally {
    Object.assign(env, { DEFAULT_POLICY: '' });
  }
};

const refundOf = (
  amount: bigint,
  changes: Partial<Extract<CreditCommand, { kind: 'refund' }>> = {},
) =>
  ({
    kind: 'refund',
    asset,
    amount,
    transaction: randomHex(32),
    place: 3,
    block: 20,
    intent: { fields: { tool: 'countersign.admin.credits.refund' }, signature: '0x22' },
    ...changes,
  }) as const;

const creditOf = async (payer: Hex): Promise<string> => (await purseOf(payer)).credit;

const pay = async (payer: Hex, price: bigint, outcome: Outcome) => {
  const call = intentCallOf(payer, { price });
  const attempt = randomHex(16);
  await stubOf(payer).reserve(call, attempt, {});
  return stubOf(payer).finish(call.id, attempt, outcome);
};

describe('a top-up of the own account', () => {
  test('is credited once, whatever the gateway or the queue repeats', async () => {
    const payer = randomHex(20);
    const call = topUpOf(payer, 5_000n);
    const attempt = randomHex(16);
    await settleFirst(payer, call, attempt);
    expect(await purseOf(payer)).toMatchObject({ credit: '0', settled: '5000' });
    for (let round = 0; round < 3; round += 1) {
      expect(await stubOf(payer).finish(call.id, attempt, success)).toMatchObject({
        verdict: 'finished',
        state: 'committed',
        charged: 5_000n,
        payment: 'settled',
        paidFrom: 'payment',
      });
      await evictDurableObject(stubOf(payer));
    }
    const shown = { ...call, showsSecret: true };
    expect(await stubOf(payer).reserve(shown, randomHex(16), {})).toMatchObject({
      verdict: 'stored',
      charged: 5_000n,
      binding: 'intent',
    });
    expect(await stubOf(payer).reserve(call, randomHex(16), {})).toEqual({
      verdict: 'already_used',
    });
    await stubOf(payer).settled([
      { call: call.id, outcome: 'settled', transaction: randomHex(32), block: 11 },
    ]);
    expect(await creditOf(payer)).toBe('5000');
    const finished = (await entriesOf(payer)).filter(({ type }) => type === 'call.finished');
    expect(finished.map(({ amounts }) => amounts)).toEqual([{ charged: '5000', credited: '5000' }]);
  });

  test('clears a debt first, and is not denied for that debt', async () => {
    const payer = randomHex(20);
    await trust(payer, MILLION, 10n * MILLION);
    await stubOf(payer).apply(refundOf(700n));
    expect(await creditOf(payer)).toBe('-700');
    expect(await stubOf(payer).reserve(callOf(payer), randomHex(16), {})).toMatchObject({
      denial: { rule: 'debt' },
    });
    expect(await pay(payer, 10n, success)).toEqual({ verdict: 'unknown_call' });
    const generous = topUpOf(payer, 1_000n, { topUp: { to: accountOf(randomHex(20)) } });
    expect(await stubOf(payer).reserve(generous, randomHex(16), {})).toMatchObject({
      denial: { rule: 'debt' },
    });
    await topUp(payer, 1_000n);
    expect(await creditOf(payer)).toBe('300');
  });

  test('counts against the rate of the policy, and not against its caps and windows', async () => {
    const payer = randomHex(20);
    await setPolicy(payer, {
      perCall: '100u',
      exposure: '100u',
      rate: { limit: 3, seconds: 60 },
      windows: [{ every: 'day', limit: '150u' }],
    });
    await topUp(payer, 1_000n);
    expect((await purseOf(payer)).limits).toContainEqual(
      expect.objectContaining({ rule: 'window:day', spent: '0', held: '0' }),
    );
    // Windows count credit when a call spends it, by the charged and not by the reserved amount.
    expect(await pay(payer, 100n, { ...success, amount: 40n })).toMatchObject({ charged: 40n });
    expect((await purseOf(payer)).limits).toContainEqual(
      expect.objectContaining({ rule: 'window:day', spent: '40', held: '0', remaining: '110' }),
    );
    await topUp(payer, 1_000n);
    const fourth = topUpOf(payer, 1n);
    expect(await stubOf(payer).reserve(fourth, randomHex(16), {})).toMatchObject({
      denial: { rule: 'rate' },
    });
  });

  test('is never paid by credit, by an intent alone, or by a deferred payment', async () => {
    const payer = randomHex(20);
    await topUp(payer, 5_000n);
    expect(await stubOf(payer).reserve(topUpOf(payer, 1_000n), randomHex(16), {})).toMatchObject({
      verdict: 'settle',
      paidFrom: 'payment',
    });
    const { payment: _, ...unpaid } = topUpOf(payer, 1_000n);
    const deferred = topUpOf(payer, 1_000n, { settlement: 'deferred' });
    const fromCredit = topUpOf(payer, 1_000n, { settlement: 'credit' });
    for (const call of [unpaid, deferred, fromCredit]) {
      expect(await stubOf(payer).reserve(call, randomHex(16), {})).toMatchObject({
        verdict: 'denied',
        denial: { rule: 'credit', retryAllowed: false },
      });
    }
    expect(await purseOf(payer)).toMatchObject({ credit: '5000', creditHeld: '0' });
  });

  test('is denied above ten million dollars on one account', async () => {
    const payer = randomHex(20);
    const most = 10_000_000n * MILLION;
    await topUp(payer, most - 10n);
    expect(await stubOf(payer).reserve(topUpOf(payer, 11n), randomHex(16), {})).toMatchObject({
      denial: { rule: 'credit', retryAllowed: false, limit: { remaining: '10' } },
    });
    await stubOf(payer).reserve(topUpOf(payer, 4n), randomHex(16), {});
    // The limit also counts top-ups that are still settling.
    expect(await stubOf(payer).reserve(topUpOf(payer, 7n), randomHex(16), {})).toMatchObject({
      denial: { rule: 'credit', limit: { remaining: '6' } },
    });
    expect((await stubOf(payer).reserve(topUpOf(payer, 6n), randomHex(16), {})).verdict).toBe(
      'settle',
    );
  });

  test('becomes the payer’s credit even if its answer failed (law 4)', async () => {
    const payer = randomHex(20);
    const call = topUpOf(payer, 5_000n);
    const attempt = randomHex(16);
    await settleFirst(payer, call, attempt);
    expect(await stubOf(payer).finish(call.id, attempt, failure)).toMatchObject({
      state: 'released',
      charged: 0n,
    });
    expect(await stubOf(payer).finish(call.id, attempt, success)).toMatchObject({
      state: 'released',
    });
    expect(await creditOf(payer)).toBe('5000');
  });
});
