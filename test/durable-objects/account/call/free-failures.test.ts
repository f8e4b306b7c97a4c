import type { CallRecord } from '../../../../durable-objects/account/call/call-record.ts';
import { CALL, loadCall } from '../../../../durable-objects/account/call/stored-call.ts';
import { nowSeconds } from '../../../../src/core/clock.ts';
import type { Hex } from '../../../../src/core/hex.ts';
import {
  callOf,
  failure,
  intentCallOf,
  onDisk,
  purseOf,
  randomHex,
  snapshotOf,
  stubOf,
  success,
  topUp,
  trust,
} from '../../support.ts';
import { pass, putToSleep, restore, ruleOf } from '../../tree-support.ts';
import { afterEach, describe, expect, test } from 'vitest';

afterEach(restore);

const answered = {
  ...failure,
  answer: { status: 500, headers: { 'content-type': 'text/plain' }, body: 'x'.repeat(4_000) },
};

const fail = async (payer: Hex, changes: Parameters<typeof callOf>[1] = {}) => {
  const call = callOf(payer, { binding: 'intent', ...changes });
  const attempt = randomHex(16);
  expect(ruleOf(await stubOf(payer).reserve(call, attempt, {}))).toBe('go');
  await stubOf(payer).finish(call.id, attempt, answered);
  return call;
};

const recordOf = (payer: Hex, call: Hex): Promise<CallRecord | undefined> =>
  onDisk(payer, (disk) => loadCall(disk, call));

const entriesIn = async (payer: Hex, call: Hex): Promise<unknown> =>
  (await recordOf(payer, call))?.entries ?? [];

const exportAll = async (payer: Hex): Promise<void> => {
  await stubOf(payer).exported((await snapshotOf(payer)).seq);
};

const repeatOf = (payer: Hex, call: Parameters<typeof fail>[1] & object) =>
  stubOf(payer).reserve(callOf(payer, call), randomHex(16), {});

/** A payer with one failed call whose payment was observed for the last time. */
const lookedAt = async () => {
  const payer = randomHex(20);
  await trust(payer, 1_000_000n, 100_000_000n);
  const call = await fail(payer);
  await exportAll(payer);
  pass(call.validBefore - nowSeconds() + 31);
  await stubOf(payer).settled([{ call: call.id, outcome: 'released' }]);
  return { payer, call };
};

describe('a call whose tool failed', () => {
  test('stores no answer, so that free failures cannot fill storage', async () => {
    const payer = randomHex(20);
    await trust(payer, 1_000_000n, 100_000_000n);
    const call = await fail(payer);
    expect(await recordOf(payer, call.id)).toMatchObject({
      state: 'released',
      answer: undefined,
    });
    expect((await repeatOf(payer, call)).verdict).toBe('already_used');
    await topUp(payer, 10_000n);
    const unpaid = intentCallOf(payer);
    const attempt = randomHex(16);
    expect(ruleOf(await stubOf(payer).reserve(unpaid, attempt, {}))).toBe('go');
    await stubOf(payer).finish(unpaid.id, attempt, answered);
    expect(await recordOf(payer, unpaid.id)).toMatchObject({
      state: 'released',
      answer: undefined,
    });
  });

  test('is reduced to what refuses a repeat after its export and last look, without an extra row', async () => {
    const payer = randomHex(20);
    await trust(payer, 1_000_000n, 100_000_000n);
    const call = await fail(payer);
    await exportAll(payer);
    pass(call.validBefore - nowSeconds() + 31);
    const before = (await snapshotOf(payer)).rowsWritten;
    await stubOf(payer).settled([{ call: call.id, outcome: 'released' }]);
    // The account writes one row of the journal, and perhaps the alarm.
    expect((await snapshotOf(payer)).rowsWritten - before).toBeLessThanOrEqual(2);
    const record = await recordOf(payer, call.id);
    expect(record).toEqual({
      id: call.id,
      request: call.request,
      tool: call.tool,
      state: 'released',
      payment: 'released',
      paidBy: 'deferred',
      onSilence: 'release',
      hadLastLook: true,
      asset: call.asset,
      price: call.price,
      charged: 0n,
      acceptedAt: expect.any(Number),
      acceptedEntry: expect.stringMatching(/^0x[0-9a-f]{64}$/),
      validBefore: call.validBefore,
      attempt: '0x',
      policy: '0x',
      windows: [],
      usedShares: [],
      entries: [],
      timeoutSeconds: 0,
      dispatchedAt: 0,
      holdUntil: 0,
      sinceBlock: 0,
      identifier: undefined,
      transaction: undefined,
      finishedEntry: undefined,
      held: undefined,
      answer: undefined,
      topUp: undefined,
      grant: undefined,
    });
    expect(record && CALL.forgetAt?.(record)).toBe(call.validBefore + 600);
  });

  test('never runs again afterwards, and reveals nothing of its request to a stranger', async () => {
    const { payer, call } = await lookedAt();
    await putToSleep(payer);
    const late = { ...call, execute: false };
    for (const execute of [true, false]) {
      expect((await repeatOf(payer, { ...late, execute })).verdict).toBe('already_used');
      const other = { ...late, execute, request: randomHex(32) };
      const shown = { ...other, showsSecret: true };
      expect((await repeatOf(payer, shown)).verdict).toBe('conflict');
      expect((await repeatOf(payer, other)).verdict).toBe('already_used');
      expect((await repeatOf(payer, { ...other, binding: 'none' })).verdict).toBe('already_used');
    }
    expect(await stubOf(payer).finish(call.id, randomHex(16), success)).toEqual({
      verdict: 'unknown_call',
    });
  });

  test('becomes credit if its payment settles even after the last look', async () => {
    const { payer, call } = await lookedAt();
    const moved = {
      call: call.id,
      outcome: 'settled',
      transaction: randomHex(32),
      block: 12,
    } as const;
    await stubOf(payer).settled([moved, moved]);
    expect((await purseOf(payer)).credit).toBe(call.price.toString());
    const entry = await entriesIn(payer, call.id);
    expect(entry).toMatchObject([{ type: 'payment.settled', tool: call.tool, call: call.id }]);
  });

  test('keeps its entries until they are exported', async () => {
    const payer = randomHex(20);
    await trust(payer, 1_000_000n, 100_000_000n);
    const call = await fail(payer);
    pass(call.validBefore - nowSeconds() + 31);
    await stubOf(payer).settled([{ call: call.id, outcome: 'released' }]);
    const entries = await entriesIn(payer, call.id);
    expect(entries).toHaveLength(2);
  });
});
