import { abortAllDurableObjects, evictDurableObject, runDurableObjectAlarm } from 'cloudflare:test';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { nowSeconds } from '../../../src/core/clock.ts';
import type { Hex } from '../../../src/core/hex.ts';
import type { ReserveVerdict } from '../../../src/protocol/account/call-verdict.ts';
import type { AccountCommand } from '../../../src/protocol/account/command.ts';
import { ENTRY } from '../../../durable-objects/store/entry.ts';
import {
  asset,
  callOf,
  callsOf,
  factsOf,
  failure,
  onDisk,
  purseOf,
  randomHex,
  snapshotOf,
  stubOf,
  success,
  tablesOf,
  trust,
} from '../support.ts';

afterEach(() => {
  vi.useRealTimers();
});

const at = (seconds: number): void => {
  vi.useFakeTimers({ toFake: ['Date'], now: seconds * 1000 });
};

const count = (verdicts: readonly ReserveVerdict[], verdict: ReserveVerdict['verdict']): number =>
  verdicts.filter((one) => one.verdict === verdict).length;

describe('law 12: strangers cost nothing', () => {
  test('1,000 signatures of penniless keys create no table and write no row', async () => {
    for (let round = 0; round < 20; round += 1) {
      await Promise.all(
        Array.from({ length: 50 }, async () => {
          const payer = randomHex(20);
          const call = callOf(payer);
          expect((await stubOf(payer).reserve(call, randomHex(16), {})).verdict).toBe(
            'stale_payer',
          );
          const told = await stubOf(payer).reserve(call, randomHex(16), { facts: factsOf(0n) });
          expect(told).toMatchObject({ verdict: 'denied', denial: { rule: 'balance' } });
          if (round > 0) return;
          expect(await tablesOf(payer)).toEqual([]);
          expect((await snapshotOf(payer)).rowsWritten).toBe(0);
        }),
      );
    }
  });

  test('a free call needs a payer with a known balance', async () => {
    const payer = randomHex(20);
    const { payment: _, ...call } = callOf(payer, {
      settlement: 'free',
      price: 0n,
      proof: 'intent',
      binding: 'intent',
    });
    expect(await stubOf(payer).reserve(call, randomHex(16), { facts: factsOf(0n) })).toMatchObject({
      verdict: 'denied',
      denial: { rule: 'penniless' },
    });
    expect(await tablesOf(payer)).toEqual([]);
    expect((await stubOf(payer).reserve(call, randomHex(16), { facts: factsOf(1n) })).verdict).toBe(
      'go',
    );
  });
});

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
    expect(await stubOf(payer).finish(call.call, randomHex(16), success)).toMatchObject({
      verdict: 'unknown_call',
    });
    expect(await stubOf(payer).finish(call.call, winner, success)).toMatchObject({
      verdict: 'finished',
      state: 'committed',
    });
    expect((await purseOf(payer)).unsettled).toBe('1000');
    expect(await stubOf(payer).finish(call.call, winner, success)).toMatchObject({
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
    await stubOf(payer).finish(call.call, attempt, success);
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
    // An expired proof may look up, never execute.
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
      { call: call.call, outcome: 'settled', transaction: randomHex(32), block: 11 },
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
      { call: call.call, outcome: 'settled', transaction: randomHex(32), block: 11 },
    ]);
    at(start + 301);
    await runDurableObjectAlarm(stubOf(payer));
    expect((await purseOf(payer)).credit).toBe('1000');
    const next = await stubOf(payer).reserve(callOf(payer), randomHex(16), {});
    expect(next).toMatchObject({ verdict: 'go', paidFrom: 'credit' });
    expect((await purseOf(payer)).creditHeld).toBe('1000');
    expect((await stubOf(payer).reserve(call, randomHex(16), {})).verdict).toBe('already_used');
  });
});

describe('laws 6 and 7: limits hold under storm, eviction and abort', () => {
  const storm = async (payer: Hex, price: bigint): Promise<ReserveVerdict[]> => {
    const verdicts: ReserveVerdict[] = [];
    for (let wave = 0; wave < 4; wave += 1) {
      verdicts.push(
        ...(await Promise.all(
          Array.from({ length: 50 }, async () =>
            stubOf(payer).reserve(callOf(payer, { price }), randomHex(16), {}),
          ),
        )),
      );
      if (wave === 1) await evictDurableObject(stubOf(payer));
      if (wave === 2) await abortAllDurableObjects();
    }
    return verdicts;
  };

  test('runs exactly 37 of 200 calls when the exposure cap allows 37', async () => {
    const payer = randomHex(20);
    // The default policy allows $1.00 of unsettled payments.
    await trust(payer, 2_000_000n, 100_000_000n);
    const verdicts = await storm(payer, 27_000n);
    expect(count(verdicts, 'go')).toBe(37);
    expect(count(verdicts, 'denied')).toBe(163);
    expect(verdicts.find(({ verdict }) => verdict === 'denied')).toMatchObject({
      denial: {
        rule: 'exposure',
        retryAllowed: true,
        limit: { limit: '1000000', held: '999000', remaining: '1000' },
      },
    });
  });

  test('runs exactly 37 of 200 calls when the balance covers 37, and requests fresh facts for the others', async () => {
    const payer = randomHex(20);
    await trust(payer, 500_000n, 370_000n + 500_000n, 10);
    await stubOf(payer).settled([]);
    const one = await stubOf(payer).reserve(callOf(payer, { price: 1n }), randomHex(16), {
      facts: factsOf(370_000n, 11),
    });
    expect(one.verdict).toBe('go');
    const verdicts = await storm(payer, 10_000n);
    expect(count(verdicts, 'go')).toBe(36);
    expect(count(verdicts, 'stale_payer')).toBe(164);
    const asked = await stubOf(payer).reserve(callOf(payer, { price: 10_000n }), randomHex(16), {
      facts: factsOf(370_000n, 12),
    });
    expect(asked).toMatchObject({ verdict: 'denied', denial: { rule: 'balance' } });
  });

  test('settles a payment before the tool runs for a payer without a settled payment', async () => {
    const payer = randomHex(20);
    expect(
      (await stubOf(payer).reserve(callOf(payer), randomHex(16), { facts: factsOf(9_000n) }))
        .verdict,
    ).toBe('settle');
    const trusted = randomHex(20);
    await trust(trusted, 1_500n, 1_000_000n);
    expect((await stubOf(trusted).reserve(callOf(trusted), randomHex(16), {})).verdict).toBe('go');
    // The settled amount covers one such call at a time.
    expect((await stubOf(trusted).reserve(callOf(trusted), randomHex(16), {})).verdict).toBe(
      'settle',
    );
  });
});

describe('laws 4 and 5: money follows what happened', () => {
  test('a failed call costs nothing; its released payment becomes credit once if it settles after all', async () => {
    const payer = randomHex(20);
    await trust(payer, 1_000_000n, 10_000_000n);
    const call = callOf(payer);
    const attempt = randomHex(16);
    await stubOf(payer).reserve(call, attempt, {});
    expect(await stubOf(payer).finish(call.call, attempt, failure)).toMatchObject({
      state: 'released',
      charged: 0n,
      payment: 'released',
    });
    expect(await purseOf(payer)).toMatchObject({ held: '0', unsettled: '0', credit: '0' });
    const moved = {
      call: call.call,
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
    await stubOf(payer).finish(released.call, attempt, failure);
    const spent = callOf(payer);
    await stubOf(payer).reserve(spent, attempt, {});
    await stubOf(payer).finish(spent.call, attempt, success);
    await stubOf(payer).settled([
      { call: spent.call, outcome: 'failed', fault: 'payer', reason: 'spent_otherwise' },
    ]);
    expect((await purseOf(payer)).credit).toBe('-1000');
    expect(await stubOf(payer).reserve(callOf(payer), randomHex(16), {})).toMatchObject({
      verdict: 'denied',
      denial: { rule: 'debt' },
    });
    await stubOf(payer).settled([
      { call: released.call, outcome: 'settled', transaction: randomHex(32), block: 12 },
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
    expect(await stubOf(payer).finish(call.call, attempt, success)).toMatchObject({
      verdict: 'late',
      state: 'abandoned',
    });
    expect(await purseOf(payer)).toMatchObject({ unsettled: '0', credit: '0' });
    expect((await stubOf(payer).reserve(call, randomHex(16), {})).verdict).toBe('already_used');
  });
});

describe('law 2: any error on the way is a refusal', () => {
  test('a failed commit refuses the call, leaves no partial write, and the account serves the next call', async () => {
    const payer = randomHex(20);
    await trust(payer, 1_000_000n, 10_000_000n);
    const before = await snapshotOf(payer);
    // JSON takes no bigint, so the transaction fails while it writes the call.
    const broken = callOf(payer, { onSilence: 1n as unknown as 'keep' });
    expect((await stubOf(payer).reserve(broken, randomHex(16), {})).verdict).toBe('unavailable');
    const after = await snapshotOf(payer);
    expect({ seq: after.seq, purses: after.purses }).toEqual({
      seq: before.seq,
      purses: before.purses,
    });
    expect(
      (await stubOf(payer).reserve({ ...broken, onSilence: 'keep' }, randomHex(16), {})).verdict,
    ).toBe('go');
  });

  test('rejects a command of a kind that only a newer Worker knows, and no other command of its group', async () => {
    const payer = randomHex(20);
    await trust(payer, 10_000n, 1_000_000n);
    const unknown = { kind: 'of_a_later_release' } as unknown as AccountCommand;
    const reserve = async () =>
      await stubOf(payer).reserve(callOf(payer), randomHex(16), { facts: factsOf(1_000_000n) });
    // The others arrive while the first one is being persisted, so they form one group.
    const [first, verdict, ...others] = await Promise.all([
      reserve(),
      stubOf(payer).apply(unknown),
      reserve(),
      reserve(),
    ]);
    expect(verdict).toEqual({ verdict: 'unavailable' });
    expect([first, ...others].map((each) => each.verdict)).toEqual(['go', 'go', 'go']);
  });
});

describe('law 8: repeated denials', () => {
  test('share one entry with a count within ten seconds', async () => {
    const start = nowSeconds();
    at(start);
    const payer = randomHex(20);
    await trust(payer, 1_000_000n, 10_000_000n);
    const { seq } = await snapshotOf(payer);
    const { rowsWritten } = await snapshotOf(payer);
    for (let index = 0; index < 20; index += 1) {
      expect(
        await stubOf(payer).reserve(callOf(payer, { price: 6_000_000n }), randomHex(16), {}),
      ).toMatchObject({
        denial: { rule: 'per_call', retryAllowed: false },
      });
    }
    expect((await snapshotOf(payer)).rowsWritten - rowsWritten).toBeLessThanOrEqual(2);
    at(start + 10);
    await runDurableObjectAlarm(stubOf(payer));
    expect((await snapshotOf(payer)).seq).toBe(seq + 1);
    const [entry] = await onDisk(payer, (disk) => [...disk.find(ENTRY)]);
    expect(entry).toMatchObject({
      type: 'call.denied',
      rule: 'per_call',
      count: 20,
    });
  });
});

describe('the rows that a call writes', () => {
  test('are at most 10 for a lone warm deferred call, deletes and alarms included', async () => {
    const start = nowSeconds();
    at(start);
    const payer = randomHex(20);
    await trust(payer, 1_000_000n, 10_000_000n);
    await stubOf(payer).exported((await snapshotOf(payer)).seq);
    at(start + 5_000);
    await runDurableObjectAlarm(stubOf(payer));
    const before = (await snapshotOf(payer)).rowsWritten;

    const call = callOf(payer);
    const attempt = randomHex(16);
    expect(
      (await stubOf(payer).reserve(call, attempt, { facts: factsOf(10_000_000n, 20) })).verdict,
    ).toBe('go');
    await stubOf(payer).finish(call.call, attempt, success);
    await stubOf(payer).settled([
      { call: call.call, outcome: 'settled', transaction: randomHex(32), block: 21 },
    ]);
    await stubOf(payer).exported((await snapshotOf(payer)).seq);
    at(start + 5_011);
    await runDurableObjectAlarm(stubOf(payer));
    at(start + 10_000);
    await runDurableObjectAlarm(stubOf(payer));

    const rows = (await snapshotOf(payer)).rowsWritten - before;
    console.log(`rows written by a lone warm deferred call: ${rows}`);
    expect(rows).toBeLessThanOrEqual(10);
    expect(await callsOf(payer)).toEqual([]);
    expect((await snapshotOf(payer)).open).toBe(0);
    expect((await snapshotOf(payer)).purses[asset]?.settled).toBe('1001000');
  });

  test('are shared by concurrent calls in one commit', async () => {
    const payer = randomHex(20);
    await trust(payer, 1_000_000n, 10_000_000n);
    const before = (await snapshotOf(payer)).rowsWritten;
    await Promise.all(
      Array.from({ length: 100 }, () =>
        stubOf(payer).reserve(callOf(payer, { price: 1n }), randomHex(16), {}),
      ),
    );
    const rows = (await snapshotOf(payer)).rowsWritten - before;
    console.log(`rows written by 100 concurrent reserves: ${rows}`);
    expect(rows).toBeLessThan(200);
  });
});
