import { evictDurableObject, runDurableObjectAlarm } from 'cloudflare:test';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { Hex } from '../../../../src/core/hex.ts';
import { nowSeconds } from '../../../../src/core/clock.ts';
import { FORMS } from '../../../../src/tracing/table.ts';
import { useTracing } from '../../../../src/tracing/trace.ts';
import { fakeTracing, TRACE_ID } from '../../../support/fake-tracing.ts';
import {
  accountOf,
  asset,
  callOf,
  factsOf,
  intentCallOf,
  randomHex,
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

const ask = (payer: Hex, call: Hex) => stubOf(payer).lookUp({ account: accountOf(payer), call });

describe('a traced call', () => {
  afterEach(() => useTracing(fakeTracing(false)));

  test('has its trace in the look-up, and spans with attributes of the table and no secret', async () => {
    const payer = randomHex(20);
    await trust(payer, 1_000_000n, 10_000_000n);
    const call = callOf(payer, { price: 1n, binding: 'intent', trace: TRACE_ID });
    const attempt = randomHex(16);
    const tracing = fakeTracing(true);
    useTracing(tracing);
    expect((await stubOf(payer).reserve(call, attempt, {})).verdict).toBe('go');
    await stubOf(payer).finish(call.id, attempt, success);
    expect(await ask(payer, call.id)).toMatchObject({ status: { trace: TRACE_ID } });

    // The account does not wait for its spans: the first traced command loads the recorder.
    const names = () => new Set(tracing.spans.map(({ name }) => name));
    await expect.poll(names).toEqual(new Set(['decide', 'commit']));
    await expect.poll(() => tracing.spans.every(({ hasEnded }) => hasEnded)).toBe(true);
    const attributes = tracing.spans.flatMap((span) => Object.entries(span.attributes));
    expect(attributes).toContainEqual(['countersign.count', 1]);
    for (const [name, value] of attributes) {
      expect(String(value)).toMatch(FORMS[name as keyof typeof FORMS]);
    }
    const recorded = JSON.stringify(tracing.spans);
    for (const secret of [call.payment?.signature, success.answer?.body, payer.slice(2)]) {
      expect(recorded).not.toContain(secret ?? 'missing');
      expect(secret).toBeDefined();
    }
  });
});

describe('a look-up of a call by its payer', () => {
  test('finds the call stored, streamed, running and abandoned', async () => {
    const start = nowSeconds();
    at(start);
    const payer = randomHex(20);
    await trust(payer, 1_000_000n, 10_000_000n);
    const attempt = randomHex(16);
    const bound = (price: bigint) => callOf(payer, { price, binding: 'intent' });
    const [stored, streamed, held, abandoned] = [bound(1n), bound(2n), bound(3n), bound(4n)];
    await stubOf(payer).reserve(abandoned, attempt, {});
    at(start + 71);
    await runDurableObjectAlarm(stubOf(payer));
    for (const call of [stored, streamed, held]) await stubOf(payer).reserve(call, attempt, {});
    await stubOf(payer).finish(stored.id, attempt, success);
    const { answer: _, ...bare } = success;
    await stubOf(payer).finish(streamed.id, attempt, {
      ...bare,
      digest: `0x${'5d'.repeat(32)}`,
      metered: {
        basis: 'metered',
        usage: { output_tokens: 7 },
        rates: `0x${'4a'.repeat(32)}`,
      },
    });
    await stubOf(payer).settled([
      { call: stored.id, outcome: 'settled', transaction: `0x${'55'.repeat(32)}`, block: 12 },
    ]);
    await evictDurableObject(stubOf(payer));
    const before = await snapshotOf(payer);
    const status = {
      tool: 'lookup',
      request: stored.request,
      binding: 'intent',
      asset,
      paidFrom: 'payment',
      acceptedAt: start + 71,
    };
    expect(await ask(payer, stored.id)).toMatchObject({
      verdict: 'found',
      status: {
        ...status,
        call: stored.id,
        state: 'committed',
        price: 1n,
        charged: 1n,
        payment: 'settled',
        transaction: `0x${'55'.repeat(32)}`,
        answer: success.answer,
      },
    });
    const found = await ask(payer, streamed.id);
    expect(found).toMatchObject({
      verdict: 'found',
      status: {
        ...{ ...status, state: 'committed', charged: 2n, payment: 'queued' },
        ended: {
          ...{ status: 200, digest: `0x${'5d'.repeat(32)}` },
          ...{ basis: 'metered', usage: { output_tokens: 7 } },
        },
      },
    });
    expect(found).not.toHaveProperty('status.answer');
    expect(await ask(payer, held.id)).toMatchObject({
      status: { ...status, state: 'held', price: 3n, charged: 0n, payment: 'held' },
    });
    expect(await ask(payer, abandoned.id)).toMatchObject({
      status: {
        state: 'abandoned',
        price: 4n,
        charged: 0n,
        payment: 'released',
        acceptedAt: start,
      },
    });
    // A look-up only reads: it writes no row and no entry.
    expect(await snapshotOf(payer)).toEqual(before);
  });

  test('shows that credit paid the call', async () => {
    const payer = randomHex(20);
    await topUp(payer, 5_000n);
    const call = intentCallOf(payer);
    const attempt = randomHex(16);
    await stubOf(payer).reserve(call, attempt, {});
    await stubOf(payer).finish(call.id, attempt, { ...success, amount: 400n });
    expect(await ask(payer, call.id)).toMatchObject({
      status: { paidFrom: 'credit', payment: 'none', price: 1_000n, charged: 400n },
    });
  });

  test('answers unknown for an unknown call without a row in a stranger’s account (law 12)', async () => {
    const stranger = randomHex(20);
    expect(await ask(stranger, randomHex(32))).toEqual({ verdict: 'unknown_call' });
    expect(await tablesOf(stranger)).toEqual([]);
    expect((await snapshotOf(stranger)).rowsWritten).toBe(0);
    const payer = randomHex(20);
    await trust(payer, 1_000n, 10_000n);
    expect(await ask(payer, randomHex(32))).toEqual({ verdict: 'unknown_call' });
  });

  test('needs no chain, however old the facts are and whatever code the payer has (law 13)', async () => {
    const start = nowSeconds();
    at(start);
    const payer = randomHex(20);
    const facts = { ...factsOf(10_000_000n), hasCode: true };
    const call = callOf(payer, { contractCheckedAt: 10 });
    await stubOf(payer).reserve(call, randomHex(16), { facts });
    at(start + 86_400);
    expect((await ask(payer, call.id)).verdict).toBe('found');
  });
});
