import { evictDurableObject, runDurableObjectAlarm } from 'cloudflare:test';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { Call } from '../../../../src/protocol/account/call.ts';
import type { Hex } from '../../../../src/core/hex.ts';
import { nowSeconds } from '../../../../src/core/clock.ts';
import {
  callOf,
  factsOf,
  intentCallOf,
  purseOf,
  randomHex,
  snapshotOf,
  stubOf,
  success,
  topUp,
  trust,
} from '../../support.ts';

afterEach(() => {
  vi.useRealTimers();
});

const at = (seconds: number): void => {
  vi.useFakeTimers({ toFake: ['Date'], now: seconds * 1000 });
};

const reserve = async (payer: Hex, call: Call, attempt = randomHex(16)) =>
  await stubOf(payer).reserve(call, attempt, {});

const settled = { outcome: 'settled', transaction: randomHex(32), block: 11 } as const;

/** An upfront call whose payment has settled, and whose attempt was killed before its tool ran. */
const unrun = async (payer: Hex, changes: Partial<Call>): Promise<Call> => {
  const call = callOf(payer, { settlement: 'upfront', ...changes });
  await stubOf(payer).reserve(call, randomHex(16), { facts: factsOf(10_000n) });
  await stubOf(payer).settled([{ call: call.id, ...settled }]);
  await evictDurableObject(stubOf(payer));
  return call;
};

describe('law 3: the stored answer of a call with an intent', () => {
  test.each([
    ['a bound payment', callOf],
    ['an Agent-Intent', intentCallOf],
  ] as const)(
    'is returned for the secret of its intent, not for the intent: %s',
    async (_, make) => {
      const payer = randomHex(20);
      await trust(payer, 1_000_000n, 10_000_000n);
      await topUp(payer, 100_000n);
      const call = make(payer, { binding: 'intent' });
      const attempt = randomHex(16);
      expect((await reserve(payer, call, attempt)).verdict).toBe('go');
      // A reader of the log knows the request, the intent and later the signature, but not the retry secret.
      expect((await reserve(payer, call)).verdict).toBe('in_progress');
      await stubOf(payer).finish(call.id, attempt, success);
      await evictDurableObject(stubOf(payer));
      for (const copy of [
        call,
        { ...call, request: randomHex(32) },
        { ...call, execute: false },
        { ...call, identifier: randomHex(32) },
        { ...call, showsSecret: false },
      ])
        expect(await reserve(payer, copy)).toEqual({ verdict: 'already_used' });
      expect(await reserve(payer, { ...call, showsSecret: true })).toMatchObject({
        verdict: 'stored',
        answer: success.answer,
      });
      // An expired proof may return a stored answer, but may not run the tool.
      expect(await reserve(payer, { ...call, showsSecret: true, execute: false })).toMatchObject({
        verdict: 'stored',
      });
    },
  );

  test('may be requested with the secret by the first request too, because an earlier one may have been lost', async () => {
    const payer = randomHex(20);
    await trust(payer, 1_000_000n, 10_000_000n);
    const call = callOf(payer, { binding: 'intent', showsSecret: true });
    expect((await reserve(payer, call)).verdict).toBe('go');
    expect((await reserve(payer, call)).verdict).toBe('in_progress');
  });
});

describe('a proof for a former payee', () => {
  test('starts no call and writes nothing', async () => {
    const payer = randomHex(20);
    await trust(payer, 1_000_000n, 10_000_000n);
    const before = await snapshotOf(payer);
    const call = callOf(payer, { former: true });
    expect(await reserve(payer, call)).toEqual({ verdict: 'expired' });
    expect(await snapshotOf(payer)).toEqual(before);
  });

  test('gets the answer of the call that it paid for before', async () => {
    const payer = randomHex(20);
    await trust(payer, 1_000_000n, 10_000_000n);
    const call = callOf(payer, { binding: 'intent' });
    const attempt = randomHex(16);
    await stubOf(payer).reserve(call, attempt, {});
    const repeated = { ...call, former: true, showsSecret: true } as const;
    expect((await reserve(payer, repeated)).verdict).toBe('in_progress');
    await stubOf(payer).finish(call.id, attempt, success);
    expect((await reserve(payer, repeated)).verdict).toBe('stored');
  });

  test('runs an upfront call, once, whose money arrived there', async () => {
    const payer = randomHex(20);
    const call = await unrun(payer, { binding: 'intent' });
    const repeated = { ...call, former: true, showsSecret: true } as const;
    expect((await reserve(payer, repeated)).verdict).toBe('go');
    expect((await reserve(payer, repeated)).verdict).toBe('in_progress');
  });
});

describe('law 3: an upfront call that was settled and did not run', () => {
  const SECRETS = [
    ['the secret of its intent', { binding: 'intent' }, { showsSecret: true }],
    ['its payment-identifier', { identifier: `0x${'1d'.repeat(32)}` }, {}],
  ] as const satisfies readonly (readonly [string, Partial<Call>, Partial<Call>])[];

  test.each(SECRETS)('runs once, for a repeat that shows %s', async (_, first, shown) => {
    const payer = randomHex(20);
    const call = await unrun(payer, first);
    const { identifier: __, ...bare } = call;
    expect((await reserve(payer, bare)).verdict).toBe('in_progress');
    const verdicts = await Promise.all(
      Array.from({ length: 10 }, async () => (await reserve(payer, { ...call, ...shown })).verdict),
    );
    expect(verdicts.toSorted()).toEqual(['go', ...Array.from({ length: 9 }, () => 'in_progress')]);
  });

  test.each(SECRETS)(
    'never runs for an expired proof, even one that shows %s',
    async (_, first, shown) => {
      const start = nowSeconds();
      at(start);
      const payer = randomHex(20);
      const call = await unrun(payer, { ...first, validBefore: start + 200 });
      // A bound payment's intent expires before its authorization. Test seconds before and after the hold's end.
      for (const second of [10, 95, 199]) {
        at(start + second);
        const expired = { ...call, ...shown, execute: false };
        expect((await reserve(payer, expired)).verdict, `${second} s`).toBe('in_progress');
      }
      at(start + 201);
      await runDurableObjectAlarm(stubOf(payer));
      expect(await purseOf(payer)).toMatchObject({ credit: '1000', held: '0' });
      expect((await reserve(payer, { ...call, ...shown })).verdict).toBe('already_used');
    },
  );

  test.each([
    ['a plain payment', {}],
    ['a bound payment whose secret is not shown', { binding: 'intent' }],
  ] as const)(
    'never runs for a repeat without a secret, and becomes credit: %s',
    async (_, first) => {
      const start = nowSeconds();
      at(start);
      const payer = randomHex(20);
      const call = await unrun(payer, first);
      const before = (await snapshotOf(payer)).rowsWritten;
      for (const second of [1, 91, 299]) {
        at(start + second);
        // Attack: a copy of the signature with an identifier that the first request did not have.
        for (const copy of [call, { ...call, identifier: randomHex(32) }])
          expect((await reserve(payer, copy)).verdict, `${second} s`).toBe('in_progress');
      }
      expect((await snapshotOf(payer)).rowsWritten).toBe(before);
      at(start + 301);
      await runDurableObjectAlarm(stubOf(payer));
      expect((await purseOf(payer)).credit).toBe('1000');
      expect(await reserve(payer, call)).toEqual({ verdict: 'already_used' });
    },
  );

  test('never runs for a repeat without a secret while its settlement is unknown, because a backend has the signature', async () => {
    const start = nowSeconds();
    at(start);
    const payer = randomHex(20);
    const call = callOf(payer, { settlement: 'upfront' });
    const attempt = randomHex(16);
    await stubOf(payer).reserve(call, attempt, { facts: factsOf(10_000n) });
    await stubOf(payer).reserve(call, attempt, { settlement: { outcome: 'sent', backend: 'any' } });
    for (const second of [6, 95]) {
      at(start + second);
      expect((await reserve(payer, call)).verdict).toBe('in_progress');
      // A repeat that reports the settlement before the account has it gets the same answer as any repeat.
      expect(
        (await stubOf(payer).reserve(call, randomHex(16), { settlement: settled })).verdict,
      ).toBe('in_progress');
    }
    // The attempt that presented the payment may continue.
    expect((await stubOf(payer).reserve(call, attempt, { settlement: settled })).verdict).toBe(
      'go',
    );
  });
});
