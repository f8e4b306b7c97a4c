import { evictDurableObject } from 'cloudflare:test';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { nowSeconds } from '../../../../src/core/clock.ts';
import type { Hex } from '../../../../src/core/hex.ts';
import type { Call } from '../../../../src/protocol/account/call.ts';
import { IDENTIFIER } from '../../../../durable-objects/account/call/payment-identifier.ts';
import { BALANCE, BLOCK, rowsOf } from '../../row-count.ts';
import {
  callOf,
  factsOf,
  failure,
  onDisk,
  purseOf,
  randomHex,
  snapshotOf,
  stubOf,
  success,
  ringNow,
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

const trusted = async (): Promise<Hex> => {
  const payer = randomHex(20);
  await trust(payer, 1_000_000n, 100_000_000n);
  return payer;
};

/** The payment identifiers that the account has stored. */
const identifiersOf = (payer: Hex): Promise<readonly unknown[]> =>
  onDisk(payer, (disk) => [...disk.find(IDENTIFIER)]);

/** The account's money and written rows, which a second signature must not change. */
const moneyOf = async (payer: Hex) => ({
  purse: await purseOf(payer),
  rows: (await snapshotOf(payer)).rowsWritten,
});

describe('a payment-identifier that comes with a second signature', () => {
  test('waits while the first call runs, then gets the stored outcome, at no cost', async () => {
    const payer = await trusted();
    const identifier = randomHex(32);
    const first = callOf(payer, { identifier });
    const attempt = randomHex(16);
    expect((await reserve(payer, first, attempt)).verdict).toBe('go');
    const fresh = (changes: Partial<Call> = {}): Call => callOf(payer, { identifier, ...changes });

    const running = await moneyOf(payer);
    for (let round = 0; round < 3; round += 1) {
      expect(await reserve(payer, fresh())).toMatchObject({
        verdict: 'in_progress',
        call: first.id,
      });
      await evictDurableObject(stubOf(payer));
    }
    expect((await moneyOf(payer)).purse).toEqual(running.purse);
    await stubOf(payer).finish(first.id, attempt, success);
    const ended = await moneyOf(payer);
    const again = fresh();
    for (const same of [again, again, fresh({ price: 2_000n }), fresh({ execute: false })])
      expect(await reserve(payer, same)).toMatchObject({
        verdict: 'stored',
        call: first.id,
        answer: success.answer,
        charged: 1_000n,
        price: 1_000n,
      });
    const elsewhere = fresh({ request: randomHex(32) });
    expect(await reserve(payer, elsewhere)).toEqual({ verdict: 'conflict', call: first.id });
    expect(await moneyOf(payer)).toEqual(ended);
    // The account stored nothing for the second signature: no reserved call, no payment to settle.
    for (const call of [again.id, elsewhere.id])
      expect(await stubOf(payer).finish(call, randomHex(16), success)).toEqual({
        verdict: 'unknown_call',
      });
  });

  test('runs one of two concurrent signatures', async () => {
    const payer = await trusted();
    const identifier = randomHex(32);
    const before = (await purseOf(payer)).held;
    // While the account persists another commit, these calls form one group. It decides them before it has stored any of them.
    const other = reserve(payer, callOf(payer));
    const verdicts = await Promise.all(
      Array.from({ length: 20 }, async () => await reserve(payer, callOf(payer, { identifier }))),
    );
    expect((await other).verdict).toBe('go');
    expect(verdicts.map(({ verdict }) => verdict).toSorted()).toEqual([
      'go',
      ...Array.from({ length: 19 }, () => 'in_progress'),
    ]);
    expect(BigInt((await purseOf(payer)).held) - BigInt(before)).toBe(2_000n);
  });

  test('is never presented, held or run for an upfront call that did not run', async () => {
    const start = nowSeconds();
    at(start);
    const payer = randomHex(20);
    const identifier = randomHex(32);
    const first = callOf(payer, { settlement: 'upfront', identifier });
    const attempt = randomHex(16);
    await stubOf(payer).reserve(first, attempt, { facts: factsOf(100_000n) });
    await stubOf(payer).reserve(first, attempt, {
      settlement: { outcome: 'sent', backend: 'any' },
    });
    const settlement = { outcome: 'settled', transaction: randomHex(32), block: 11 } as const;
    const tryAll = async (): Promise<void> => {
      const { purse } = await moneyOf(payer);
      for (const evidence of [{}, { facts: factsOf(100_000n, 20) }, { settlement }]) {
        const fresh = callOf(payer, { settlement: 'upfront', identifier });
        expect(await stubOf(payer).reserve(fresh, randomHex(16), evidence)).toMatchObject({
          verdict: 'in_progress',
          call: first.id,
        });
        // The attempt of the first request gets the same answer when it comes with another signature.
        expect(await stubOf(payer).reserve(fresh, attempt, evidence)).toMatchObject({
          verdict: 'in_progress',
        });
      }
      expect((await moneyOf(payer)).purse).toEqual(purse);
    };
    // Once the first attempt's hold has expired, a repeat with the same signature could take over. Later the call is settled but has not
    // run.
    at(start + 95);
    await tryAll();
    await stubOf(payer).settled([{ call: first.id, ...settlement }]);
    await tryAll();
    expect((await reserve(payer, first)).verdict).toBe('go');
  });

  test('does not run again after a failure, for as long as the account remembers the first call', async () => {
    const start = nowSeconds();
    at(start);
    const payer = await trusted();
    const identifier = randomHex(32);
    const first = callOf(payer, { identifier, validBefore: start + 3_600 });
    const attempt = randomHex(16);
    await reserve(payer, first, attempt);
    await stubOf(payer).finish(first.id, attempt, failure);
    const again = async () =>
      await reserve(payer, callOf(payer, { identifier, validBefore: start + 6_000 }));
    const used = { verdict: 'already_used', call: first.id };
    expect(await again()).toEqual(used);
    // After the payment's last observation, the record keeps only what is needed to reject a repeat.
    await stubOf(payer).exported((await snapshotOf(payer)).seq);
    at(start + 3_631);
    await stubOf(payer).settled([{ call: first.id, outcome: 'released' }]);
    await evictDurableObject(stubOf(payer));
    expect(await again()).toEqual(used);
    at(start + 4_201);
    await ringNow(payer);
    expect(await identifiersOf(payer)).toEqual([]);
  });

  test('is free again after a denied call', async () => {
    const payer = await trusted();
    const identifier = randomHex(32);
    const dear = callOf(payer, { identifier, price: 900_000_000n });
    expect((await reserve(payer, dear)).verdict).toBe('denied');
    expect((await reserve(payer, callOf(payer, { identifier }))).verdict).toBe('go');
  });
});

describe('the stored answer of a payment-identifier', () => {
  test('is not returned for another identifier, none, one of another call, or one of another payer', async () => {
    const [payer, other] = [await trusted(), await trusted()];
    const [one, two] = [randomHex(32), randomHex(32)];
    const calls = [callOf(payer, { identifier: one }), callOf(payer, { identifier: two })] as const;
    for (const call of calls) {
      const attempt = randomHex(16);
      await reserve(payer, call, attempt);
      await stubOf(payer).finish(call.id, attempt, success);
    }
    const [first, second] = calls;
    const { identifier: _, ...bare } = first;
    for (const copy of [bare, { ...first, identifier: randomHex(32) }])
      expect(await reserve(payer, copy)).toEqual({ verdict: 'already_used' });
    // The identifier determines the call, not the signature that comes with it.
    expect(await reserve(payer, { ...first, identifier: two })).toMatchObject({
      verdict: 'stored',
      call: second.id,
    });
    // With another payer, the same identifier is another call, which that payer pays.
    expect((await reserve(other, callOf(other, { identifier: one }))).verdict).toBe('go');
  });
});

describe('the stored identifier', () => {
  const run = async (payer: Hex, changes: Partial<Call>): Promise<Call> => {
    const call = callOf(payer, changes);
    const attempt = randomHex(16);
    expect((await reserve(payer, call, attempt)).verdict).toBe('go');
    await stubOf(payer).finish(call.id, attempt, success);
    await stubOf(payer).settled([
      { call: call.id, outcome: 'settled', transaction: randomHex(32), block: 21 },
    ]);
    return call;
  };

  test('is kept as long as the record of its call, and pruned with it', async () => {
    const start = nowSeconds();
    at(start);
    const payer = await trusted();
    const [short, long] = [randomHex(32), randomHex(32)];
    await run(payer, { identifier: short, validBefore: start + 2_500 });
    const kept = await run(payer, { identifier: long, validBefore: start + 3_600 });
    await stubOf(payer).exported((await snapshotOf(payer)).seq);
    at(start + 2_500 + 599);
    await ringNow(payer);
    expect(await identifiersOf(payer)).toHaveLength(2);
    at(start + 2_500 + 601);
    await evictDurableObject(stubOf(payer));
    await stubOf(payer).exported((await snapshotOf(payer)).seq);
    await ringNow(payer);
    expect(await identifiersOf(payer)).toEqual([{ digest: long, call: kept.id }]);
    const later = { validBefore: start + 6_000 };
    expect((await reserve(payer, callOf(payer, { identifier: long, ...later }))).verdict).toBe(
      'stored',
    );
  });

  test('costs no row', async () => {
    const send = (identifier?: Hex) => async (payer: Hex) => {
      const call = callOf(payer, identifier === undefined ? {} : { identifier });
      const attempt = randomHex(16);
      const facts = factsOf(BALANCE, BLOCK);
      expect((await stubOf(payer).reserve(call, attempt, { facts })).verdict).toBe('go');
      await stubOf(payer).finish(call.id, attempt, success);
      return [call.id];
    };
    const [plain, named] = [randomHex(20), randomHex(20)];
    const without = await rowsOf(plain, async () => await send()(plain));
    expect(await identifiersOf(plain)).toEqual([]);
    vi.useRealTimers();
    await trust(named, 1_000n, BALANCE);
    const attempt = randomHex(16);
    const first = callOf(named, { settlement: 'upfront', identifier: randomHex(32) });
    await stubOf(named).reserve(first, attempt, { facts: factsOf(BALANCE, BLOCK) });
    const settlement = { outcome: 'settled', transaction: randomHex(32), block: BLOCK } as const;
    await stubOf(named).reserve(first, attempt, { settlement });
    await stubOf(named).finish(first.id, attempt, success);
    const beforehand = await rowsOf(named, async () => await send(randomHex(32))(named));
    console.log(
      `rows of a lone deferred call: ${without}; with a payment-identifier: ${beforehand}`,
    );
    expect(beforehand - without).toBe(0);
  });
});
