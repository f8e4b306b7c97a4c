import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { nowSeconds } from '../../../../src/core/clock.ts';
import type { Outcome } from '../../../../src/protocol/account/call.ts';
import {
  callOf,
  callsOf,
  factsOf,
  failure,
  purseOf,
  randomHex,
  ringNow,
  snapshotOf,
  stubOf,
  success,
  trust,
} from '../../support.ts';

/** Attacks on an account's calls, grouped by the law that prevents them. */
afterEach(() => {
  vi.useRealTimers();
});

const at = (seconds: number): void => {
  vi.useFakeTimers({ toFake: ['Date'], now: seconds * 1000 });
};

const silence: Outcome = { success: false, status: 0, digest: 'none', reason: 'timeout' };

describe('law 7: service on payments that will not settle', () => {
  test('settles first if the authorization could expire before the queue presents it', async () => {
    const payer = randomHex(20);
    await trust(payer, 1_000_000n, 10_000_000n);
    const brief = callOf(payer, { validBefore: nowSeconds() + 60 });
    expect((await stubOf(payer).reserve(brief, randomHex(16), {})).verdict).toBe('settle');
    const lasting = callOf(payer, { validBefore: nowSeconds() + 3_600 });
    expect((await stubOf(payer).reserve(lasting, randomHex(16), {})).verdict).toBe('go');
  });

  test('lowers the payer’s trust by a payment that was written off', async () => {
    const payer = randomHex(20);
    await trust(payer, 1_000n, 10_000_000n);
    const call = callOf(payer);
    const attempt = randomHex(16);
    await stubOf(payer).reserve(call, attempt, {});
    await stubOf(payer).finish(call.id, attempt, success);
    await stubOf(payer).settled([
      { call: call.id, outcome: 'failed', fault: 'gateway', reason: 'not_presented' },
    ]);
    expect(await purseOf(payer)).toMatchObject({ credit: '0', unsettled: '0', settled: '0' });
    expect((await stubOf(payer).reserve(callOf(payer), randomHex(16), {})).verdict).toBe('settle');
  });

  test('settles first for a contract account, even if the node reports no code', async () => {
    const payer = randomHex(20);
    await trust(payer, 1_000_000n, 10_000_000n, 100);
    const call = callOf(payer, { contractCheckedAt: 99 });
    const facts = { ...factsOf(10_000_000n, 99), hasCode: true };
    expect((await stubOf(payer).reserve(call, randomHex(16), { facts })).verdict).toBe('settle');
    const coded = { ...factsOf(10_000_000n, 101), hasCode: true };
    const keyed = await stubOf(payer).reserve(callOf(payer), randomHex(16), { facts: coded });
    expect(keyed).toMatchObject({ verdict: 'denied', denial: { rule: 'validity' } });
  });

  test('does not count settled money again when a lagging node reports the old balance', async () => {
    const payer = randomHex(20);
    await trust(payer, 600_000n, 1_000_000n, 20);
    await stubOf(payer).settled([]);
    const call = callOf(payer, { price: 300_000n });
    const attempt = randomHex(16);
    await stubOf(payer).reserve(call, attempt, { facts: factsOf(400_000n, 21) });
    await stubOf(payer).finish(call.id, attempt, success);
    await stubOf(payer).settled([
      { call: call.id, outcome: 'settled', transaction: randomHex(32), block: 23 },
    ]);
    const lagging = { facts: factsOf(400_000n, 22) };
    const next = callOf(payer, { price: 200_000n });
    expect(await stubOf(payer).reserve(next, randomHex(16), lagging)).toMatchObject({
      verdict: 'denied',
      denial: { rule: 'balance' },
    });
  });

  test('recovers from one absurd block number of a node', async () => {
    const start = nowSeconds();
    at(start);
    const payer = randomHex(20);
    const absurd = { facts: factsOf(0n, 2 ** 52) };
    await stubOf(payer).reserve(callOf(payer), randomHex(16), absurd);
    at(start + 601);
    const honest = { facts: factsOf(1_000_000n, 50) };
    const call = callOf(payer, { validBefore: start + 4_000 });
    expect((await stubOf(payer).reserve(call, randomHex(16), honest)).verdict).toBe('settle');
  });
});

describe('law 3: a copied signature reveals nothing', () => {
  test('answers a right and a wrong guess of the request alike after the call', async () => {
    const payer = randomHex(20);
    await trust(payer, 1_000_000n, 10_000_000n);
    const call = callOf(payer, { identifier: randomHex(32) });
    const attempt = randomHex(16);
    await stubOf(payer).reserve(call, attempt, {});
    await stubOf(payer).finish(call.id, attempt, success);
    const { identifier: _, ...bare } = call;
    const right = await stubOf(payer).reserve(bare, randomHex(16), {});
    const wrong = await stubOf(payer).reserve(
      { ...bare, request: randomHex(32) },
      randomHex(16),
      {},
    );
    expect(right).toEqual({ verdict: 'already_used' });
    expect(wrong).toEqual(right);
  });
});

describe('law 5: an attempt that gives up on an unknown settlement', () => {
  const unknown = { settlement: { outcome: 'sent', backend: 'any' } } as const;
  const settledBy = (block: number) =>
    ({ settlement: { outcome: 'settled', transaction: randomHex(32), block } }) as const;

  test('lets another attempt take over soon, and never runs after it did', async () => {
    const start = nowSeconds();
    at(start);
    const payer = randomHex(20);
    const call = callOf(payer, { settlement: 'upfront', identifier: randomHex(32) });
    const [first, second] = [randomHex(16), randomHex(16)];
    await stubOf(payer).reserve(call, first, { facts: factsOf(5_000n) });
    expect((await stubOf(payer).reserve(call, second, {})).verdict).toBe('in_progress');
    await stubOf(payer).reserve(call, first, unknown);
    // The account requests chain facts only after a pause: fifty repeats in a second would cost fifty reads of the chain.
    expect((await stubOf(payer).reserve(call, second, {})).verdict).toBe('in_progress');
    at(start + 5);
    expect((await stubOf(payer).reserve(call, second, {})).verdict).toBe('settle');
    expect((await stubOf(payer).reserve(call, second, settledBy(11))).verdict).toBe('go');
    expect((await stubOf(payer).reserve(call, first, settledBy(11))).verdict).toBe('in_progress');
  });

  test('gets no "go" after another attempt took over, because no client waits for its answer', async () => {
    const start = nowSeconds();
    at(start);
    const payer = randomHex(20);
    const call = callOf(payer, {
      ...{ settlement: 'upfront', onSilence: 'keep', identifier: randomHex(32) },
    });
    const [first, second] = [randomHex(16), randomHex(16)];
    await stubOf(payer).reserve(call, first, { facts: factsOf(5_000n) });
    at(start + 91);
    expect((await stubOf(payer).reserve(call, second, {})).verdict).toBe('settle');
    await stubOf(payer).settled([{ call: call.id, ...settledBy(11).settlement }]);
    expect((await stubOf(payer).reserve(call, first, unknown)).verdict).toBe('in_progress');
    expect((await stubOf(payer).reserve(call, second, settledBy(11))).verdict).toBe('go');
  });
});

describe('law 5: a lost alarm', () => {
  test('is set again by the next request to the account', async () => {
    const payer = randomHex(20);
    await trust(payer, 1_000_000n, 10_000_000n);
    await stubOf(payer).reserve(callOf(payer), randomHex(16), {});
    await runInDurableObject(stubOf(payer), (_, state) => state.storage.deleteAlarm());
    await evictDurableObject(stubOf(payer));
    await stubOf(payer).settled([]);
    const alarm = await runInDurableObject(stubOf(payer), (_, state) => state.storage.getAlarm());
    expect(alarm).not.toBeNull();
  });
});

describe('law 4: a silent tool', () => {
  test('keeps the settled amount with `onSilence: keep`, and a retried finish gets the same answer', async () => {
    const payer = randomHex(20);
    const call = callOf(payer, { settlement: 'upfront', onSilence: 'keep' });
    const attempt = randomHex(16);
    await stubOf(payer).reserve(call, attempt, { facts: factsOf(5_000n) });
    const settlement = { outcome: 'settled', transaction: randomHex(32), block: 11 } as const;
    await stubOf(payer).reserve(call, attempt, { settlement });
    const first = await stubOf(payer).finish(call.id, attempt, silence);
    expect(first).toMatchObject({ verdict: 'finished', state: 'abandoned', charged: 1_000n });
    expect(await stubOf(payer).finish(call.id, attempt, silence)).toMatchObject({
      verdict: 'finished',
      charged: 1_000n,
    });
    expect((await purseOf(payer)).credit).toBe('0');
  });

  test('keeps the hold on credit with `onSilence: keep`, and returns it with `release`', async () => {
    const payer = randomHex(20);
    await credit(payer);
    const kept = callOf(payer, { onSilence: 'keep', settlement: 'credit' });
    const attempt = randomHex(16);
    expect(await stubOf(payer).reserve(kept, attempt, {})).toMatchObject({
      verdict: 'go',
      paidFrom: 'credit',
    });
    const verdict = await stubOf(payer).finish(kept.id, attempt, silence);
    expect(verdict).toMatchObject({ verdict: 'finished', state: 'abandoned', kept: true });
    expect(await purseOf(payer)).toMatchObject({ credit: '5000', creditHeld: '1000' });
    const released = callOf(payer, { settlement: 'credit' });
    await stubOf(payer).reserve(released, attempt, {});
    await stubOf(payer).finish(released.id, attempt, silence);
    expect(await purseOf(payer)).toMatchObject({ credit: '5000', creditHeld: '1000' });
  });
});

/** Gives an account 5,000 units of credit, through an upfront payment whose tool failed. */
const credit = async (payer: `0x${string}`): Promise<void> => {
  const call = callOf(payer, { settlement: 'upfront', price: 5_000n });
  const attempt = randomHex(16);
  await stubOf(payer).reserve(call, attempt, { facts: factsOf(9_000n) });
  const settlement = { outcome: 'settled', transaction: randomHex(32), block: 11 } as const;
  await stubOf(payer).reserve(call, attempt, { settlement });
  await stubOf(payer).finish(call.id, attempt, failure);
};

describe('law 3: the end of a record', () => {
  test('comes for a call from credit only when no repeat of its proof can execute', async () => {
    const start = nowSeconds();
    at(start);
    const payer = randomHex(20);
    await credit(payer);
    const call = callOf(payer, { validBefore: start + 100 });
    const attempt = randomHex(16);
    await stubOf(payer).reserve(call, attempt, {});
    await stubOf(payer).finish(call.id, attempt, success);
    await stubOf(payer).exported((await snapshotOf(payer)).seq);
    at(start + 100 + 599);
    await runDurableObjectAlarm(stubOf(payer));
    expect((await stubOf(payer).reserve(call, randomHex(16), {})).verdict).toBe('already_used');
    at(start + 100 + 600);
    await evictDurableObject(stubOf(payer));
    await stubOf(payer).exported((await snapshotOf(payer)).seq);
    await ringNow(payer);
    const late = { ...call, execute: false };
    expect((await stubOf(payer).reserve(late, randomHex(16), {})).verdict).toBe('expired');
  });

  test.for(['settled', 'failed'] as const)(
    'comes for a paid call only after its authorization has expired: %s',
    async (outcome) => {
      const start = nowSeconds();
      at(start);
      const payer = randomHex(20);
      await trust(payer, 1_000_000n, 10_000_000n);
      const call = callOf(payer, { validBefore: start + 3_600 });
      const attempt = randomHex(16);
      await stubOf(payer).reserve(call, attempt, {});
      await stubOf(payer).finish(call.id, attempt, success);
      await stubOf(payer).settled([
        outcome === 'settled'
          ? { call: call.id, outcome, transaction: randomHex(32), block: 11 }
          : { call: call.id, outcome, fault: 'gateway', reason: 'not_presented' },
      ]);
      // All entries are exported, so only the authorization's end delays the pruning of the row.
      await stubOf(payer).exported((await snapshotOf(payer)).seq);
      for (const later of [900, 3_600, 4_199]) {
        at(start + later);
        await runDurableObjectAlarm(stubOf(payer));
        await evictDurableObject(stubOf(payer));
        const again = await stubOf(payer).reserve(call, randomHex(16), {
          facts: factsOf(10_000_000n, 20),
        });
        expect(again.verdict).toBe('already_used');
      }
    },
  );

  test('waits for the export, without an alarm every second', async () => {
    const start = nowSeconds();
    at(start);
    const payer = randomHex(20);
    await trust(payer, 1_000n, 10_000_000n);
    at(start + 10_000);
    await runDurableObjectAlarm(stubOf(payer));
    const next = await runInDurableObject(stubOf(payer), (_, state) => state.storage.getAlarm());
    const pause = (next ?? 0) / 1000 - (start + 10_000);
    expect(pause).toBeGreaterThanOrEqual(10);
    expect(await callsOf(payer)).toHaveLength(1);
  });
});

describe('the rows that a slow call writes', () => {
  test('are at most 10 with seconds between its steps and every due alarm', async () => {
    const start = nowSeconds();
    at(start);
    const payer = randomHex(20);
    await trust(payer, 1_000_000n, 10_000_000n);
    await stubOf(payer).exported((await snapshotOf(payer)).seq);
    const origin = start + 5_000;
    at(origin);
    await runDurableObjectAlarm(stubOf(payer));
    const before = (await snapshotOf(payer)).rowsWritten;

    const call = callOf(payer);
    const attempt = randomHex(16);
    const steps = new Map<number, () => Promise<unknown>>([
      [0, () => stubOf(payer).reserve(call, attempt, { facts: factsOf(10_000_000n, 20) })],
      [1, () => stubOf(payer).finish(call.id, attempt, success)],
      [4, () => settledIn(21)],
      [6, async () => stubOf(payer).exported((await snapshotOf(payer)).seq)],
    ]);
    const settledIn = (block: number) =>
      stubOf(payer).settled([
        { call: call.id, outcome: 'settled', transaction: randomHex(32), block },
      ]);
    for (let second = 0; second <= 5_000; second = second < 60 ? second + 1 : second + 600) {
      at(origin + second);
      await steps.get(second)?.();
      const due = await runInDurableObject(stubOf(payer), (_, state) => state.storage.getAlarm());
      if (due !== null && due <= Date.now()) await runDurableObjectAlarm(stubOf(payer));
    }
    const rows = (await snapshotOf(payer)).rowsWritten - before;
    console.log(`rows written by a lone warm deferred call with real spacing: ${rows}`);
    expect(rows).toBeLessThanOrEqual(10);
    expect((await snapshotOf(payer)).open).toBe(0);
  });
});

describe('law 3: the first answer of a payment whose signature is public before its tool has run', () => {
  for (const [shown, proof] of [
    ['secret of its intent', { binding: 'intent', showsSecret: true }],
    ['payment-identifier', { binding: 'none', identifier: randomHex(32) }],
  ] as const) {
    test(`is denied to an attacker without the ${shown}, who cannot test guesses of the request either`, async () => {
      const payer = randomHex(20);
      const call = callOf(payer, { ...proof, settlement: 'upfront' });
      const attempt = randomHex(16);
      await stubOf(payer).reserve(call, attempt, { facts: factsOf(10_000n) });
      // The first attempt ends without a result, so a facilitator or the chain already has the signature.
      await stubOf(payer).reserve(call, attempt, {
        settlement: { outcome: 'sent', backend: 'any' },
      });
      at(nowSeconds() + 6);
      // The log contains the intent, so an attacker may have it too.
      const { identifier: _, showsSecret: __, ...copied } = call;
      const stripped = { ...copied, binding: 'none' as const };
      const strangers = [
        copied,
        stripped,
        { ...stripped, request: `0x${'99'.repeat(32)}` as const },
      ];
      for (const stranger of strangers) {
        expect(await stubOf(payer).reserve(stranger, randomHex(16), {})).toMatchObject({
          verdict: 'in_progress',
        });
      }
      const settled = { outcome: 'settled', transaction: randomHex(32), block: 11 } as const;
      await stubOf(payer).settled([{ call: call.id, ...settled }]);
      for (const stranger of strangers) {
        expect(await stubOf(payer).reserve(stranger, randomHex(16), {})).toMatchObject({
          verdict: 'in_progress',
        });
      }
      expect((await stubOf(payer).reserve(call, randomHex(16), {})).verdict).toBe('go');
    });
  }
});
