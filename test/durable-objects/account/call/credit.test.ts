import { evictDurableObject, runDurableObjectAlarm } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { nowSeconds } from '../../../../src/core/clock.ts';
import type { Hex } from '../../../../src/core/hex.ts';
import type { Outcome } from '../../../../src/protocol/account/call.ts';
import type { CreditCommand } from '../../../../src/protocol/account/command.ts';
import {
  accountOf,
  asset,
  callOf,
  callsOf,
  entriesOf,
  factsOf,
  failure,
  intentCallOf,
  purseOf,
  randomHex,
  settleFirst,
  snapshotOf,
  stubOf,
  success,
  tablesOf,
  topUp,
  topUpOf,
  trust,
} from '../../support.ts';

afterEach(() => {
  vi.useRealTimers();
});

const at = (seconds: number): void => {
  vi.useFakeTimers({ toFake: ['Date'], now: seconds * 1000 });
};

const MILLION = 1_000_000n;

/** Gives an account its own default policy: an object reads the configured one at its first decision and keeps it. */
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
  return stubOf(payer).finish(call.call, attempt, outcome);
};

describe('a top-up of the own account', () => {
  test('is credited once, whatever the gateway or the queue repeats', async () => {
    const payer = randomHex(20);
    const call = topUpOf(payer, 5_000n);
    const attempt = randomHex(16);
    await settleFirst(payer, call, attempt);
    expect(await purseOf(payer)).toMatchObject({ credit: '0', settled: '5000' });
    for (let round = 0; round < 3; round += 1) {
      expect(await stubOf(payer).finish(call.call, attempt, success)).toMatchObject({
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
      { call: call.call, outcome: 'settled', transaction: randomHex(32), block: 11 },
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
    // Windows count the credit when a call spends it: the charged amount, not the reserved one.
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
    // Amounts that are being settled count too.
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
    expect(await stubOf(payer).finish(call.call, attempt, failure)).toMatchObject({
      state: 'released',
      charged: 0n,
    });
    expect(await stubOf(payer).finish(call.call, attempt, success)).toMatchObject({
      state: 'released',
    });
    expect(await creditOf(payer)).toBe('5000');
  });
});

describe('a call that an intent pays from credit', () => {
  test('needs no payment, holds its price, and is charged when its tool answers', async () => {
    const payer = randomHex(20);
    await topUp(payer, 5_000n);
    const call = intentCallOf(payer, { price: 3_000n });
    const attempt = randomHex(16);
    const accepted = await stubOf(payer).reserve(call, attempt, {});
    expect(accepted).toMatchObject({ verdict: 'go', paidFrom: 'credit', charged: 3_000n });
    expect(limitOf(accepted, 'credit')).toEqual({
      rule: 'credit',
      limit: '5000',
      spent: '0',
      held: '3000',
      remaining: '2000',
    });
    expect(await purseOf(payer)).toMatchObject({ credit: '5000', creditHeld: '3000' });
    expect(
      await stubOf(payer).reserve(intentCallOf(payer, { price: 2_001n }), randomHex(16), {}),
    ).toMatchObject({ denial: { rule: 'credit', limit: { remaining: '2000' } } });
    const finished = await stubOf(payer).finish(call.call, attempt, success);
    expect(finished).toMatchObject({ charged: 3_000n, paidFrom: 'credit', payment: 'none' });
    expect(limitOf(finished, 'credit')).toMatchObject({ limit: '2000', remaining: '2000' });
    expect(await purseOf(payer)).toMatchObject({
      credit: '2000',
      creditHeld: '0',
      settled: '5000',
    });
  });

  test('reports no credit limit to a payer without credit', async () => {
    const payer = randomHex(20);
    await trust(payer, MILLION, 10n * MILLION);
    const accepted = await stubOf(payer).reserve(callOf(payer), randomHex(16), {});
    expect(accepted.verdict).toBe('go');
    expect(limitOf(accepted, 'credit')).toBeUndefined();
  });

  test('costs nothing and returns its hold when its tool fails', async () => {
    const payer = randomHex(20);
    await topUp(payer, 5_000n);
    expect(await pay(payer, 5_000n, failure)).toMatchObject({ state: 'released', charged: 0n });
    expect(await purseOf(payer)).toMatchObject({ credit: '5000', creditHeld: '0' });
  });

  test('is denied to a stranger at once, without a chain request, table or row (law 12)', async () => {
    const payer = randomHex(20);
    for (const settlement of ['credit', 'deferred', 'upfront'] as const) {
      expect(
        await stubOf(payer).reserve(intentCallOf(payer, { settlement }), randomHex(16), {}),
      ).toMatchObject({
        verdict: 'denied',
        denial: { rule: 'credit', limit: { remaining: '0' }, retryAllowed: true },
      });
    }
    expect(await tablesOf(payer)).toEqual([]);
    expect((await snapshotOf(payer)).rowsWritten).toBe(0);
  });

  test('runs exactly 37 of 100 concurrent calls with credit for 37', async () => {
    const payer = randomHex(20);
    await topUp(payer, 3_799n);
    const verdicts = await Promise.all(
      Array.from({ length: 100 }, async () =>
        stubOf(payer).reserve(intentCallOf(payer, { price: 100n }), randomHex(16), {}),
      ),
    );
    expect(verdicts.filter(({ verdict }) => verdict === 'go')).toHaveLength(37);
    expect(verdicts.filter(({ verdict }) => verdict === 'denied')).toHaveLength(63);
  });

  test('writes at most 10 rows, deletes and alarms included', async () => {
    const start = nowSeconds();
    at(start);
    const payer = randomHex(20);
    await topUp(payer, 5_000n);
    await stubOf(payer).exported((await snapshotOf(payer)).seq);
    at(start + 4_300);
    await runDurableObjectAlarm(stubOf(payer));
    const before = (await snapshotOf(payer)).rowsWritten;
    const call = intentCallOf(payer, { validBefore: start + 4_600 });
    const attempt = randomHex(16);
    const facts = { ...factsOf(0n, 20), at: start + 4_300 };
    expect((await stubOf(payer).reserve(call, attempt, { facts })).verdict).toBe('go');
    await stubOf(payer).finish(call.call, attempt, success);
    const { seq } = await snapshotOf(payer);
    await stubOf(payer).exported(seq);
    at(start + 4_600 + 700);
    await runDurableObjectAlarm(stubOf(payer));
    const rows = (await snapshotOf(payer)).rowsWritten - before;
    expect(rows).toBeLessThanOrEqual(10);
    expect(await callsOf(payer)).toEqual([]);
  });
});

describe('a variable price', () => {
  const charge = async (amount: bigint | undefined) => {
    const payer = randomHex(20);
    await topUp(payer, 5_000n);
    const finished = await pay(payer, 3_000n, {
      ...success,
      ...(amount === undefined ? {} : { amount }),
    });
    const { credit, creditHeld } = await purseOf(payer);
    expect(creditHeld).toBe('0');
    return { ...finished, credit };
  };

  test('charges the amount that the tool reports, up to the reserved amount', async () => {
    expect(await charge(1n)).toMatchObject({ state: 'committed', charged: 1n, credit: '4999' });
    expect(await charge(0n)).toMatchObject({ state: 'committed', charged: 0n, credit: '5000' });
    expect(await charge(3_000n)).toMatchObject({ charged: 3_000n, credit: '2000' });
    expect(await charge(undefined)).toMatchObject({ charged: 3_000n, credit: '2000' });
  });

  test('fails and costs nothing if the reported amount is negative or above the reserved one (law 6)', async () => {
    for (const amount of [3_001n, 10n ** 30n, -1n]) {
      expect(await charge(amount)).toMatchObject({
        state: 'released',
        charged: 0n,
        credit: '5000',
      });
    }
  });

  test('does not change the value of a payment', async () => {
    const payer = randomHex(20);
    await trust(payer, MILLION, 10n * MILLION);
    const call = callOf(payer);
    const attempt = randomHex(16);
    await stubOf(payer).reserve(call, attempt, {});
    expect(
      await stubOf(payer).finish(call.call, attempt, { ...success, amount: 1n }),
    ).toMatchObject({ state: 'committed', charged: 1_000n, payment: 'queued' });
    expect(await purseOf(payer)).toMatchObject({ unsettled: '1000' });
    const upfront = callOf(payer, { settlement: 'upfront' });
    await settleFirst(payer, upfront, attempt, 20);
    expect(
      await stubOf(payer).finish(upfront.call, attempt, { ...success, amount: 1n }),
    ).toMatchObject({ charged: 1_000n, payment: 'settled' });
  });
});

describe('a refund that was paid on chain', () => {
  test('is recorded once for each Transfer log, and lowers the payer’s settled amount', async () => {
    const payer = randomHex(20);
    await topUp(payer, 5_000n);
    const refund = refundOf(2_000n);
    expect(await stubOf(payer).apply(refund)).toMatchObject({
      verdict: 'applied',
      changed: true,
      credit: 3_000n,
    });
    await evictDurableObject(stubOf(payer));
    const again = [refund, refund, { ...refund, amount: 1n }];
    for (const answer of await Promise.all(again.map((one) => stubOf(payer).apply(one)))) {
      expect(answer).toMatchObject({ verdict: 'applied', changed: false, credit: 3_000n });
    }
    expect(await stubOf(payer).apply({ ...refund, place: 4 })).toMatchObject({
      verdict: 'applied',
      credit: 1_000n,
    });
    expect(await purseOf(payer)).toMatchObject({ credit: '1000', settled: '1000' });
    // A refund starts no transfer of credit to another account.
    expect((await snapshotOf(payer)).sending).toBe(0);
    const refunded = (await entriesOf(payer)).filter(({ type }) => type === 'credit.refunded');
    expect(refunded).toMatchObject([
      {
        amounts: { amount: '2000' },
        payment: { asset, transaction: refund.transaction, block: 20, log: 3 },
        evidence: { order: refund.intent.fields, signature: '0x22' },
      },
      { amounts: { amount: '2000' }, payment: { log: 4 } },
    ]);
  });

  test('leaves a debt if the credit was spent meanwhile', async () => {
    const payer = randomHex(20);
    await topUp(payer, 5_000n);
    const call = intentCallOf(payer, { price: 4_000n });
    const attempt = randomHex(16);
    await stubOf(payer).reserve(call, attempt, {});
    expect(await stubOf(payer).apply(refundOf(5_000n))).toMatchObject({ credit: 0n });
    // This call was reserved before the refund, so the account still owes its price.
    expect(await stubOf(payer).finish(call.call, attempt, success)).toMatchObject({
      charged: 4_000n,
    });
    expect(await purseOf(payer)).toMatchObject({ credit: '-4000', creditHeld: '0', settled: '0' });
    expect(await stubOf(payer).reserve(callOf(payer), randomHex(16), {})).toMatchObject({
      denial: { rule: 'debt', limit: { spent: '4000' } },
    });
  });
});

describe('a stored answer', () => {
  test('reports the binding of the first request, whatever the repeat shows', async () => {
    const payer = randomHex(20);
    await trust(payer, MILLION, 10n * MILLION);
    for (const [first, then] of [
      ['none', 'intent'],
      ['intent', 'none'],
    ] as const) {
      const call = callOf(payer, { binding: first, identifier: randomHex(32) });
      const attempt = randomHex(16);
      await stubOf(payer).reserve(call, attempt, {});
      await stubOf(payer).finish(call.call, attempt, success);
      await evictDurableObject(stubOf(payer));
      const repeat = await stubOf(payer).reserve({ ...call, binding: then }, randomHex(16), {});
      expect(repeat).toMatchObject({ verdict: 'stored', binding: first });
    }
  });
});

const limitOf = (verdict: object, rule: string): object | undefined =>
  'limits' in verdict && Array.isArray(verdict.limits)
    ? (verdict.limits as { rule: string }[]).find((limit) => limit.rule === rule)
    : undefined;
