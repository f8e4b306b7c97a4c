import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { CallRecord } from '../../../../durable-objects/account/call/call-record.ts';
import { loadCall } from '../../../../durable-objects/account/call/stored-call.ts';
import { openDisk } from '../../../../durable-objects/store/open-disk.ts';
import type { Hex } from '../../../../src/core/hex.ts';
import type { SettlementResult } from '../../../../src/protocol/payment.ts';
import {
  callOf,
  entriesOf,
  factsOf,
  failNextWrite,
  purseOf,
  randomHex,
  snapshotOf,
  stubOf,
  success,
  trust,
} from '../../support.ts';
import { pass, restore } from '../../tree-support.ts';
import { collectSettlements } from '../../sent-messages.ts';

/** A busy account stores and sends a second late, and a slow machine takes longer. */
const PATIENCE = { timeout: 30_000 };

afterEach(restore);

const PRICE = 1_000n;

/** A payer that may have one unsettled call at a time, and has one. */
const owing = async () => {
  const payer = randomHex(20);
  await trust(payer, PRICE, 100_000_000n);
  const call = await serve(payer);
  return { payer, call, result: settledOf(call) };
};

const serve = async (payer: Hex): Promise<Hex> => {
  const call = callOf(payer, { price: PRICE });
  const attempt = randomHex(16);
  const { verdict } = await stubOf(payer).reserve(call, attempt, {});
  if (verdict !== 'go') throw new Error(`expected go, got ${verdict}`);
  await stubOf(payer).finish(call.id, attempt, success);
  return call.id;
};

const settledOf = (call: Hex): SettlementResult => ({
  call,
  outcome: 'settled',
  transaction: randomHex(32),
  block: 11,
});

/** The call as stored now. It sends the account no request, because a request would make it store the result. */
const storedCall = (payer: Hex, call: Hex): Promise<CallRecord | undefined> =>
  runInDurableObject(stubOf(payer), (_, { storage }) => loadCall(openDisk(storage), call));

const settlementsOf = async (payer: Hex, call: Hex): Promise<number> =>
  (await entriesOf(payer)).filter(
    (entry) => entry.call === call && entry.type === 'payment.settled',
  ).length;

/** Aborts an object. An eviction would wait for its open work. */
const crash = (payer: Hex): Promise<void> =>
  runInDurableObject(stubOf(payer), (_, state) => state.abort('crash')).catch(() => undefined);

describe('a result for a busy account', () => {
  test('is answered at once, and stored with the next group', async () => {
    const { payer, call, result } = await owing();
    const before = (await snapshotOf(payer)).rowsWritten;
    expect(await stubOf(payer).settled([result])).toEqual({ verdict: 'ok' });
    expect((await storedCall(payer, call))?.payment).toBe('queued');
    await stubOf(payer).reserve(callOf(payer), randomHex(16), {});
    expect((await storedCall(payer, call))?.payment).toBe('settled');
    expect((await snapshotOf(payer)).rowsWritten - before).toBe(1);
  });

  test('is stored without another request', async () => {
    const { payer, call, result } = await owing();
    await stubOf(payer).settled([result]);
    await vi.waitFor(
      async () => expect((await storedCall(payer, call))?.payment).toBe('settled'),
      PATIENCE,
    );
  });

  test('counts for the next call: the payer may owe again what it has paid', async () => {
    const { payer, result } = await owing();
    const next = () =>
      stubOf(payer).reserve(callOf(payer, { price: PRICE }), randomHex(16), {
        facts: factsOf(100_000_000n, 12),
      });
    // This payer may have only one unsettled call (law 7).
    expect((await next()).verdict).toBe('settle');
    await stubOf(payer).settled([result]);
    expect((await next()).verdict).toBe('go');
  });

  test('counts for a call in the same group', async () => {
    const { payer, result } = await owing();
    const call = callOf(payer, { price: PRICE });
    const [, verdict] = await Promise.all([
      stubOf(payer).settled([{ call: result.call, outcome: 'bounced', reason: 'refused' }]),
      stubOf(payer).reserve(call, randomHex(16), { facts: factsOf(100_000_000n, 12) }),
    ]);
    // After a bounce the account defers no settlement.
    expect(verdict.verdict).toBe('settle');
  });

  test('is asked for again after a crash, and counts once', async () => {
    const { payer, call, result } = await owing();
    await stubOf(payer).settled([result]);
    await crash(payer);
    expect((await storedCall(payer, call))?.payment).toBe('queued');
    expect((await purseOf(payer)).unsettled).toBe(PRICE.toString());
    const sent = await collectSettlements(payer);
    expect(await runDurableObjectAlarm(stubOf(payer))).toBe(true);
    await vi.waitFor(() => expect(sent).toMatchObject([{ call }]), PATIENCE);
    for (let delivered = 0; delivered < 3; delivered += 1) await stubOf(payer).settled([result]);
    expect(await settlementsOf(payer, call)).toBe(1);
    expect(await purseOf(payer)).toMatchObject({
      unsettled: '0',
      settled: (2n * PRICE).toString(),
    });
  });

  test('is dropped with a group that cannot be stored, and asked for again', async () => {
    const { payer, call, result } = await owing();
    const sent = await collectSettlements(payer);
    await stubOf(payer).settled([result]);
    await failNextWrite(payer);
    const { verdict } = await stubOf(payer).reserve(callOf(payer), randomHex(16), {});
    expect(verdict).toBe('unavailable');
    expect((await purseOf(payer)).unsettled).toBe(PRICE.toString());
    await runDurableObjectAlarm(stubOf(payer));
    await vi.waitFor(
      () => expect(sent).toContainEqual(expect.objectContaining({ call })),
      PATIENCE,
    );
    await stubOf(payer).settled([result]);
    expect(await settlementsOf(payer, call)).toBe(1);
    expect((await purseOf(payer)).unsettled).toBe('0');
  });

  test('that the account would not ask for again is stored before it is answered', async () => {
    const { payer, call } = await owing();
    const unused = { call, outcome: 'failed', fault: 'gateway', reason: 'not_presented' } as const;
    await stubOf(payer).settled([unused]);
    await snapshotOf(payer);
    expect((await storedCall(payer, call))?.payment).toBe('failed');
    await stubOf(payer).settled([settledOf(call)]);
    expect((await storedCall(payer, call))?.payment).toBe('settled');
  });
});

test('a quiet account stores a result before it answers', async () => {
  const { payer, call, result } = await owing();
  pass(2);
  await stubOf(payer).settled([result]);
  expect((await storedCall(payer, call))?.payment).toBe('settled');
});
