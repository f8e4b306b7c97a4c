import { afterEach, describe, expect, test } from 'vitest';
import type { Hex } from '../../../../src/core/hex.ts';
import {
  callOf,
  callsOf,
  factsOf,
  purseOf,
  randomHex,
  stubOf,
  success,
  topUp,
  trust,
} from '../../support.ts';
import { denialOf, pass, restore, setPolicy } from '../../tree-support.ts';
import { ASKING, attempt, decide, PRICE, repeat, reserve } from './approval-support.ts';

afterEach(restore);

describe('a payment that waits', () => {
  const operators = async () => {
    const payer = randomHex(20);
    await trust(payer, 100_000n, 10_000_000n);
    await setPolicy(payer, { ...ASKING, exposure: '5000u' });
    return payer;
  };
  const payment = (payer: Hex, changes: Parameters<typeof callOf>[1] = {}) =>
    callOf(payer, { binding: 'intent', price: PRICE, ...changes });

  test('counts as exposure, and is presented only after it ran', async () => {
    const payer = await operators();
    const call = payment(payer);
    expect((await reserve(payer, call)).verdict).toBe('parked');
    expect((await purseOf(payer)).held).toBe(PRICE.toString());
    expect((await callsOf(payer)).find(({ id }) => id === call.id)).toMatchObject({
      payment: 'held',
    });
    expect((await decide(payer, call.id, 'operator')).verdict).toBe('applied');
    const running = attempt();
    expect((await repeat(payer, call, {}, running)).verdict).toBe('go');
    await stubOf(payer).finish(call.id, running, success);
    expect((await callsOf(payer)).find(({ id }) => id === call.id)).toMatchObject({
      payment: 'queued',
    });
  });

  test('of an upfront tool settles only after the approval', async () => {
    const payer = await operators();
    const call = payment(payer, { settlement: 'upfront' });
    expect((await reserve(payer, call, { facts: factsOf(10_000_000n) })).verdict).toBe('parked');
    expect((await purseOf(payer)).held).toBe(PRICE.toString());
    await decide(payer, call.id, 'operator');
    const running = attempt();
    expect((await repeat(payer, call, {}, running)).verdict).toBe('settle');
    expect(
      (
        await stubOf(payer).reserve(call, running, {
          settlement: { outcome: 'settled', transaction: randomHex(32), block: 11 },
        })
      ).verdict,
    ).toBe('go');
  });

  test('that settled while its attempt was lost runs for another repeat, although its intent has expired', async () => {
    const payer = await operators();
    const call = payment(payer, { settlement: 'upfront' });
    await reserve(payer, call, { facts: factsOf(10_000_000n) });
    await decide(payer, call.id, 'operator');
    expect((await repeat(payer, call, { execute: false })).verdict).toBe('settle');
    const settled = { outcome: 'settled', transaction: randomHex(32), block: 11 } as const;
    await stubOf(payer).settled([{ call: call.id, ...settled }]);
    expect((await repeat(payer, call, { execute: false })).verdict).toBe('go');
    expect((await repeat(payer, call, { execute: false })).verdict).toBe('in_progress');
  });

  test('pays for its call, although credit that arrived meanwhile would do', async () => {
    const payer = await operators();
    const call = payment(payer);
    await reserve(payer, call);
    await topUp(payer, 10n * PRICE);
    await decide(payer, call.id, 'operator');
    expect(await repeat(payer, call)).toMatchObject({ verdict: 'go', paidFrom: 'payment' });
    expect((await callsOf(payer)).find(({ id }) => id === call.id)).toMatchObject({
      ...{ payment: 'held', paidBy: 'deferred' },
    });
  });

  test('near the end of its authorization settles before its tool runs', async () => {
    const payer = await operators();
    const call = payment(payer);
    await reserve(payer, call);
    await decide(payer, call.id, 'operator');
    pass(3_000);
    expect((await repeat(payer, call, { execute: false })).verdict).toBe('settle');
  });

  test.each(['validBefore', 'value'] as const)(
    'does not run for a repeat with another %s, which nobody approved',
    async (field) => {
      const payer = await operators();
      const call = payment(payer);
      await reserve(payer, call);
      await decide(payer, call.id, 'operator');
      const { payment: signed } = call;
      if (signed === undefined) throw new Error('no payment');
      const authorization = {
        ...signed.authorization,
        [field]: signed.authorization[field] + 1n,
      };
      const altered = { payment: { ...signed, authorization } };
      expect((await repeat(payer, call, altered)).verdict).toBe('conflict');
      expect((await repeat(payer, call)).verdict).toBe('go');
    },
  );

  test('is released by a refusal, and its signature is erased', async () => {
    const payer = await operators();
    const call = payment(payer);
    await reserve(payer, call);
    await decide(payer, call.id, 'operator', 'refused');
    const [record] = (await callsOf(payer)).filter(({ id }) => id === call.id);
    expect(record).toMatchObject({ state: 'released', payment: 'released' });
    expect(record?.held?.signature).toBeUndefined();
    expect((await purseOf(payer)).held).toBe('0');
  });

  test('without an intent cannot wait: nothing could show that its repeat is the caller’s', async () => {
    const payer = await operators();
    const bare = payment(payer, { binding: 'none', identifier: randomHex(32) });
    expect(denialOf(await reserve(payer, bare))).toMatchObject({
      rule: 'approval',
      retryAllowed: false,
    });
  });
});
