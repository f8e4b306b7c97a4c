import { evictDurableObject, runDurableObjectAlarm } from 'cloudflare:test';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { nowSeconds } from '../../../../src/core/clock.ts';
import type { Hex } from '../../../../src/core/hex.ts';
import type { Outcome } from '../../../../src/protocol/account/call.ts';
import {
  callOf,
  callsOf,
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
  trust,
} from '../../support.ts';

afterEach(() => {
  vi.useRealTimers();
});

const at = (seconds: number): void => {
  vi.useFakeTimers({ toFake: ['Date'], now: seconds * 1000 });
};

const MILLION = 1_000_000n;

const pay = async (payer: Hex, price: bigint, outcome: Outcome) => {
  const call = intentCallOf(payer, { price });
  const attempt = randomHex(16);
  await stubOf(payer).reserve(call, attempt, {});
  return stubOf(payer).finish(call.id, attempt, outcome);
};

const limitOf = (verdict: object, rule: string): object | undefined =>
  'limits' in verdict && Array.isArray(verdict.limits)
    ? (verdict.limits as { rule: string }[]).find((limit) => limit.rule === rule)
    : undefined;

test('a call from credit keeps nothing of a payment that came with it, so nothing can present it', async () => {
  const payer = randomHex(20);
  await topUp(payer, 5_000n);
  const call = callOf(payer, { price: 1_000n });
  expect(call.payment).toBeDefined();
  const verdict = await stubOf(payer).reserve(call, randomHex(16), {});
  expect(verdict).toMatchObject({ verdict: 'go', paidFrom: 'credit' });
  const record = (await callsOf(payer)).find(({ id }) => id === call.id);
  expect(record).toMatchObject({ paidBy: 'credit', payment: 'none', held: undefined });
});

describe('a call from credit needs no chain (law 13)', () => {
  const DAY = 86_400;

  test('however old the facts are: by intent, and by a payment that the credit covers', async () => {
    const start = nowSeconds();
    at(start);
    const payer = randomHex(20);
    await topUp(payer, 5_000n);
    at(start + DAY);
    for (const call of [intentCallOf(payer), callOf(payer)]) {
      const paid = await stubOf(payer).reserve({ ...call, price: 1_000n }, randomHex(16), {});
      expect(paid).toMatchObject({ verdict: 'go', paidFrom: 'credit' });
    }
    const free = callOf(payer, { settlement: 'free', price: 0n });
    expect((await stubOf(payer).reserve(free, randomHex(16), {})).verdict).toBe('go');
    // The payment itself would move money.
    const dear = callOf(payer, { price: 5_000n });
    expect(await stubOf(payer).reserve(dear, randomHex(16), {})).toEqual({
      verdict: 'stale_payer',
    });
  });

  test('of an account with code (EIP-7702): its key may spend credit, and may not pay', async () => {
    const payer = randomHex(20);
    await topUp(payer, 5_000n);
    const facts = { ...factsOf(MILLION, 30), hasCode: true };
    const paid = callOf(payer, { price: 6_000n });
    expect(await stubOf(payer).reserve(paid, randomHex(16), { facts })).toMatchObject({
      ...{ verdict: 'denied', denial: { rule: 'validity' } },
    });
    const call = intentCallOf(payer, { price: 1_000n });
    expect(await stubOf(payer).reserve(call, randomHex(16), {})).toMatchObject({ verdict: 'go' });
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
    const finished = await stubOf(payer).finish(call.id, attempt, success);
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
    await stubOf(payer).finish(call.id, attempt, success);
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
    expect(await stubOf(payer).finish(call.id, attempt, { ...success, amount: 1n })).toMatchObject({
      state: 'committed',
      charged: 1_000n,
      payment: 'queued',
    });
    expect(await purseOf(payer)).toMatchObject({ unsettled: '1000' });
    const upfront = callOf(payer, { settlement: 'upfront' });
    await settleFirst(payer, upfront, attempt, 20);
    expect(
      await stubOf(payer).finish(upfront.id, attempt, { ...success, amount: 1n }),
    ).toMatchObject({ charged: 1_000n, payment: 'settled' });
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
      await stubOf(payer).finish(call.id, attempt, success);
      await evictDurableObject(stubOf(payer));
      const repeat = await stubOf(payer).reserve({ ...call, binding: then }, randomHex(16), {});
      expect(repeat).toMatchObject({ verdict: 'stored', binding: first });
    }
  });
});
