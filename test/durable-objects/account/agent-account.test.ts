import { runDurableObjectAlarm } from 'cloudflare:test';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { nowSeconds } from '../../../src/core/clock.ts';
import type { AccountCommand } from '../../../src/protocol/account/command.ts';
import { ENTRY } from '../../../durable-objects/store/entry.ts';
import {
  asset,
  callOf,
  callsOf,
  factsOf,
  onDisk,
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

describe('law 12: strangers cost nothing', () => {
  test('a hundred signatures of penniless keys create no table and write no row', async () => {
    for (let round = 0; round < 4; round += 1) {
      await Promise.all(
        Array.from({ length: 25 }, async () => {
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

describe('law 2: any error on the way is a refusal', () => {
  test('a failed commit refuses the call, leaves no partial write, and the account serves the next call', async () => {
    const payer = randomHex(20);
    await trust(payer, 1_000_000n, 10_000_000n);
    const before = await snapshotOf(payer);
    // JSON cannot represent a bigint, so the transaction fails while it writes the call.
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
    // The other commands arrive while the account persists the first one, so they form one group.
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
  test('are an entry at once, and further ones within ten seconds one entry with a count', async () => {
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
    expect((await snapshotOf(payer)).seq).toBe(seq + 1);
    at(start + 10);
    await runDurableObjectAlarm(stubOf(payer));
    expect((await snapshotOf(payer)).seq).toBe(seq + 2);
    const denied = { type: 'call.denied', rule: 'per_call' };
    expect(await onDisk(payer, (disk) => [...disk.find(ENTRY)])).toMatchObject([
      { ...denied, count: 1 },
      { ...denied, count: 19 },
    ]);
  });

  test('have what the rule judged, and no signature that could still be sent', async () => {
    const start = nowSeconds();
    at(start);
    const payer = randomHex(20);
    await trust(payer, 1_000_000n, 10_000_000n);
    await stubOf(payer).reserve(callOf(payer, { price: 6_000_000n }), randomHex(16), {});
    const { seq } = await snapshotOf(payer);
    const call = callOf(payer, { price: 6_000_000n });
    await stubOf(payer).reserve(call, randomHex(16), {});
    // This call writes an entry between the other call's decision and its entry.
    await stubOf(payer).reserve(callOf(payer), randomHex(16), { facts: factsOf(10_000_000n) });
    at(start + 10);
    await runDurableObjectAlarm(stubOf(payer));
    const entry = (await onDisk(payer, (disk) => [...disk.find(ENTRY)])).at(-1);
    expect(entry).toMatchObject({
      type: 'call.denied',
      call: call.id,
      binding: 'none',
      amounts: { price: '6000000' },
      payment: { asset, payTo: call.payTo },
      evidence: {
        proof: 'x402',
        authorization: { nonce: call.id, value: String(call.payment?.authorization.value) },
        validBefore: call.validBefore,
      },
      outcome: { limit: { rule: 'per_call', limit: '5000000' }, after: seq },
    });
    expect(JSON.stringify(entry)).not.toContain(call.payment?.signature);
  });
});

describe('the rows that a call writes', () => {
  test('are at most 5 for a lone warm deferred call, deletes and alarms included', async () => {
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
    await stubOf(payer).finish(call.id, attempt, success);
    await stubOf(payer).settled([
      { call: call.id, outcome: 'settled', transaction: randomHex(32), block: 21 },
    ]);
    await stubOf(payer).exported((await snapshotOf(payer)).seq);
    at(start + 5_011);
    await runDurableObjectAlarm(stubOf(payer));
    at(start + 10_000);
    await runDurableObjectAlarm(stubOf(payer));

    const rows = (await snapshotOf(payer)).rowsWritten - before;
    console.log(`rows written by a lone warm deferred call: ${rows}`);
    expect(rows).toBeLessThanOrEqual(5);
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
    expect(rows).toBeLessThan(50);
  });
});
