import { evictDurableObject, runDurableObjectAlarm } from 'cloudflare:test';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { nowSeconds } from '../../../../src/core/clock.ts';
import {
  callOf,
  callsOf,
  factsOf,
  failure,
  purseOf,
  randomHex,
  stubOf,
  success,
  trust,
} from '../../support.ts';

afterEach(() => {
  vi.useRealTimers();
});

const at = (seconds: number): void => {
  vi.useFakeTimers({ toFake: ['Date'], now: seconds * 1000 });
};

describe('laws 4 and 5: money follows what happened', () => {
  test('an upfront payment that can never settle ends its call, owes nothing, and holds nothing', async () => {
    const payer = randomHex(20);
    await trust(payer, 1_000_000n, 10_000_000n);
    const call = callOf(payer, { settlement: 'upfront' });
    const attempt = randomHex(16);
    const { verdict } = await stubOf(payer).reserve(call, attempt, {
      facts: factsOf(10_000_000n),
    });
    expect(verdict).toBe('settle');
    expect((await purseOf(payer)).held).toBe('1000');
    await stubOf(payer).settled([
      { call: call.id, outcome: 'failed', fault: 'payer', reason: 'cancelled' },
    ]);
    expect(await purseOf(payer)).toMatchObject({ held: '0', unsettled: '0', credit: '0' });
    const record = (await callsOf(payer)).find(({ id }) => id === call.id);
    expect(record).toMatchObject({ state: 'released', payment: 'failed', charged: 0n });
  });

  test('a failed call costs nothing; its released payment becomes credit once if it settles after all', async () => {
    const payer = randomHex(20);
    await trust(payer, 1_000_000n, 10_000_000n);
    const call = callOf(payer);
    const attempt = randomHex(16);
    await stubOf(payer).reserve(call, attempt, {});
    expect(await stubOf(payer).finish(call.id, attempt, failure)).toMatchObject({
      state: 'released',
      charged: 0n,
      payment: 'released',
    });
    expect(await purseOf(payer)).toMatchObject({ held: '0', unsettled: '0', credit: '0' });
    const moved = {
      call: call.id,
      outcome: 'settled',
      transaction: randomHex(32),
      block: 12,
    } as const;
    await stubOf(payer).settled([moved]);
    await stubOf(payer).settled([moved, moved]);
    expect((await purseOf(payer)).credit).toBe('1000');
    const stored = await callsOf(payer);
    expect(JSON.stringify(stored.map(({ held }) => held?.signature ?? null))).not.toContain(
      '33'.repeat(65),
    );
  });

  test('a payer that makes its payment impossible owes it, and is denied until the debt is cleared', async () => {
    const payer = randomHex(20);
    await trust(payer, 1_000_000n, 10_000_000n);
    const released = callOf(payer);
    const attempt = randomHex(16);
    await stubOf(payer).reserve(released, attempt, {});
    await stubOf(payer).finish(released.id, attempt, failure);
    const spent = callOf(payer);
    await stubOf(payer).reserve(spent, attempt, {});
    await stubOf(payer).finish(spent.id, attempt, success);
    await stubOf(payer).settled([
      { call: spent.id, outcome: 'failed', fault: 'payer', reason: 'spent_otherwise' },
    ]);
    expect((await purseOf(payer)).credit).toBe('-1000');
    expect(await stubOf(payer).reserve(callOf(payer), randomHex(16), {})).toMatchObject({
      verdict: 'denied',
      denial: { rule: 'debt' },
    });
    await stubOf(payer).settled([
      { call: released.id, outcome: 'settled', transaction: randomHex(32), block: 12 },
    ]);
    expect((await purseOf(payer)).credit).toBe('0');
    expect((await stubOf(payer).reserve(callOf(payer), randomHex(16), {})).verdict).toBe('go');
  });

  test('the alarm abandons a call without a finish after its hold; a late finish is recorded and charges nothing', async () => {
    const start = nowSeconds();
    at(start);
    const payer = randomHex(20);
    await trust(payer, 1_000_000n, 10_000_000n);
    const call = callOf(payer);
    const attempt = randomHex(16);
    await stubOf(payer).reserve(call, attempt, {});
    at(start + 69);
    await runDurableObjectAlarm(stubOf(payer));
    expect((await purseOf(payer)).held).toBe('1000');
    at(start + 70);
    await evictDurableObject(stubOf(payer));
    await runDurableObjectAlarm(stubOf(payer));
    expect((await purseOf(payer)).held).toBe('0');
    expect(await stubOf(payer).finish(call.id, attempt, success)).toMatchObject({
      verdict: 'late',
      state: 'abandoned',
    });
    expect(await purseOf(payer)).toMatchObject({ unsettled: '0', credit: '0' });
    expect((await stubOf(payer).reserve(call, randomHex(16), {})).verdict).toBe('already_used');
  });
});
