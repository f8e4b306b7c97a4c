import { evictDurableObject, runDurableObjectAlarm } from 'cloudflare:test';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { nowSeconds } from '../../../../src/core/clock.ts';
import type { Hex } from '../../../../src/core/hex.ts';
import type { ReserveVerdict } from '../../../../src/protocol/account/call-verdict.ts';
import {
  callOf,
  caughtUp,
  factsOf,
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

const count = (verdicts: readonly ReserveVerdict[], verdict: ReserveVerdict['verdict']): number =>
  verdicts.filter((one) => one.verdict === verdict).length;

describe('law 3: at most once', () => {
  test('runs one payment sent 100 times concurrently once, and answers a runtime retry of its attempt with go again', async () => {
    const payer = randomHex(20);
    await trust(payer, 1_000_000n, 10_000_000n);
    const call = callOf(payer);
    const attempts = Array.from({ length: 100 }, () => randomHex(16));
    const verdicts = await Promise.all(
      attempts.map((attempt) => stubOf(payer).reserve(call, attempt, {})),
    );
    expect(count(verdicts, 'go')).toBe(1);
    expect(count(verdicts, 'in_progress')).toBe(99);
    const winner = attempts[verdicts.findIndex(({ verdict }) => verdict === 'go')] as Hex;
    expect((await stubOf(payer).reserve(call, winner, {})).verdict).toBe('go');
    await evictDurableObject(stubOf(payer));
    expect((await stubOf(payer).reserve(call, winner, {})).verdict).toBe('go');
    expect((await stubOf(payer).reserve(call, randomHex(16), {})).verdict).toBe('in_progress');
    expect(await stubOf(payer).finish(call.id, randomHex(16), success)).toMatchObject({
      verdict: 'unknown_call',
    });
    expect(await stubOf(payer).finish(call.id, winner, success)).toMatchObject({
      verdict: 'finished',
      state: 'committed',
    });
    expect((await purseOf(payer)).unsettled).toBe('1000');
    expect(await stubOf(payer).finish(call.id, winner, success)).toMatchObject({
      verdict: 'finished',
      state: 'committed',
    });
    expect((await purseOf(payer)).unsettled).toBe('1000');
    expect((await stubOf(payer).reserve(call, randomHex(16), {})).verdict).toBe('already_used');
  });

  test('returns the stored outcome only for the payment-identifier of the call', async () => {
    const payer = randomHex(20);
    await trust(payer, 1_000_000n, 10_000_000n);
    const identifier = randomHex(32);
    const call = callOf(payer, { identifier });
    const attempt = randomHex(16);
    await stubOf(payer).reserve(call, attempt, {});
    await stubOf(payer).finish(call.id, attempt, success);
    const again = await stubOf(payer).reserve(call, randomHex(16), {});
    expect(again).toMatchObject({ verdict: 'stored', answer: success.answer, charged: 1_000n });
    const { identifier: _, ...bare } = call;
    expect((await stubOf(payer).reserve(bare, randomHex(16), {})).verdict).toBe('already_used');
    expect(
      (await stubOf(payer).reserve({ ...call, identifier: randomHex(32) }, randomHex(16), {}))
        .verdict,
    ).toBe('already_used');
    expect(
      (await stubOf(payer).reserve({ ...call, request: randomHex(32) }, randomHex(16), {})).verdict,
    ).toBe('conflict');
    // An expired proof may return a stored answer, but may not run the tool.
    expect(
      (await stubOf(payer).reserve({ ...call, execute: false }, randomHex(16), {})).verdict,
    ).toBe('stored');
    expect(
      (await stubOf(payer).reserve(callOf(payer, { execute: false }), randomHex(16), {})).verdict,
    ).toBe('expired');
  });

  test('runs an upfront call killed between settle and dispatch once, by a repeat and never by the first attempt', async () => {
    const payer = randomHex(20);
    const call = callOf(payer, { settlement: 'upfront', identifier: randomHex(32) });
    const [first, second, third] = [randomHex(16), randomHex(16), randomHex(16)];
    expect((await stubOf(payer).reserve(call, first, { facts: factsOf(5_000n) })).verdict).toBe(
      'settle',
    );
    expect((await stubOf(payer).reserve(call, second, {})).verdict).toBe('in_progress');
    await stubOf(payer).settled([
      { call: call.id, outcome: 'settled', transaction: randomHex(32), block: 11 },
    ]);
    await evictDurableObject(stubOf(payer));
    const verdicts = await Promise.all(
      [second, third].map((attempt) => stubOf(payer).reserve(call, attempt, {})),
    );
    expect(count(verdicts, 'go')).toBe(1);
    expect(
      (
        await stubOf(payer).reserve(call, first, {
          settlement: { outcome: 'settled', transaction: randomHex(32), block: 11 },
        })
      ).verdict,
    ).toBe('in_progress');
  });

  test('turns a settled upfront payment without a repeat into credit, which pays the next call', async () => {
    const start = nowSeconds();
    at(start);
    const payer = randomHex(20);
    const call = callOf(payer, { settlement: 'upfront' });
    await stubOf(payer).reserve(call, randomHex(16), { facts: factsOf(5_000n) });
    await stubOf(payer).settled([
      { call: call.id, outcome: 'settled', transaction: randomHex(32), block: 11 },
    ]);
    await caughtUp(payer);
    at(start + 301);
    await runDurableObjectAlarm(stubOf(payer));
    expect((await purseOf(payer)).credit).toBe('1000');
    const next = await stubOf(payer).reserve(callOf(payer), randomHex(16), {});
    expect(next).toMatchObject({ verdict: 'go', paidFrom: 'credit' });
    expect((await purseOf(payer)).creditHeld).toBe('1000');
    expect((await stubOf(payer).reserve(call, randomHex(16), {})).verdict).toBe('already_used');
  });
});
