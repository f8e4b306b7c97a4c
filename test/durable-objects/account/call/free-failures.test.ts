import { runInDurableObject } from 'cloudflare:test';
import { afterEach, describe, expect, test } from 'vitest';
import type { Hex } from '../../../../src/core/hex.ts';
import { nowSeconds } from '../../../../src/core/clock.ts';
import {
  callOf,
  failure,
  intentCallOf,
  purseOf,
  randomHex,
  snapshotOf,
  stubOf,
  success,
  topUp,
  trust,
} from '../../support.ts';
import { pass, putToSleep, restore, ruleOf } from '../../tree-support.ts';

afterEach(restore);

const answered = {
  ...failure,
  answer: { status: 500, headers: { 'content-type': 'text/plain' }, body: 'x'.repeat(4_000) },
};

const fail = async (payer: Hex, changes: Parameters<typeof callOf>[1] = {}) => {
  const call = callOf(payer, { binding: 'intent', ...changes });
  const attempt = randomHex(16);
  expect(ruleOf(await stubOf(payer).reserve(call, attempt, {}))).toBe('go');
  await stubOf(payer).finish(call.call, attempt, answered);
  return call;
};

const rowOf = (payer: Hex, call: Hex): Promise<Record<string, SqlStorageValue> | undefined> =>
  runInDurableObject(stubOf(payer), (_, { storage }) =>
    storage.sql.exec('SELECT * FROM calls WHERE id = ?', call).toArray().at(0),
  );

const entriesIn = async (payer: Hex, call: Hex): Promise<unknown> =>
  JSON.parse(((await rowOf(payer, call))?.['entries'] ?? '[]') as string);

const exportAll = async (payer: Hex): Promise<void> => {
  await stubOf(payer).exported((await snapshotOf(payer)).seq);
};

const repeatOf = (payer: Hex, call: Parameters<typeof fail>[1] & object) =>
  stubOf(payer).reserve(callOf(payer, call), randomHex(16), {});

/** A payer with one call that failed, whose payment was looked at for the last time. */
const lookedAt = async () => {
  const payer = randomHex(20);
  await trust(payer, 1_000_000n, 100_000_000n);
  const call = await fail(payer);
  await exportAll(payer);
  pass(call.validBefore - nowSeconds() + 31);
  await stubOf(payer).settled([{ call: call.call, outcome: 'released' }]);
  return { payer, call };
};

describe('a call whose tool failed', () => {
  test('keeps no answer, so that storage cannot be filled for nothing', async () => {
    const payer = randomHex(20);
    await trust(payer, 1_000_000n, 100_000_000n);
    const call = await fail(payer);
    expect(await rowOf(payer, call.call)).toMatchObject({ state: 'released', answer: null });
    expect((await repeatOf(payer, call)).verdict).toBe('already_used');
    await topUp(payer, 10_000n);
    const unpaid = intentCallOf(payer);
    const attempt = randomHex(16);
    expect(ruleOf(await stubOf(payer).reserve(unpaid, attempt, {}))).toBe('go');
    await stubOf(payer).finish(unpaid.call, attempt, answered);
    expect(await rowOf(payer, unpaid.call)).toMatchObject({ state: 'released', answer: null });
  });

  test('keeps only what refuses a repeat once it is exported and looked at, without a row for that', async () => {
    const payer = randomHex(20);
    await trust(payer, 1_000_000n, 100_000_000n);
    const call = await fail(payer);
    await exportAll(payer);
    pass(call.validBefore - nowSeconds() + 31);
    const before = (await snapshotOf(payer)).rowsWritten;
    await stubOf(payer).settled([{ call: call.call, outcome: 'released' }]);
    // Its row and the account's.
    expect((await snapshotOf(payer)).rowsWritten - before).toBeLessThanOrEqual(2);
    const row = await rowOf(payer, call.call);
    const { accepted_entry: entry, prune_at: pruneAt, ...rest } = row ?? {};
    expect(entry).toMatch(/^0x[0-9a-f]{64}$/);
    expect(pruneAt).toBe(call.validBefore + 600);
    expect(rest).toEqual({
      id: call.call,
      request: call.request,
      tool: call.tool,
      state: 'released',
      payment: 'released',
      paid_by: 'deferred',
      on_silence: 'release',
      looked: 1,
      asset: call.asset,
      price: Number(call.price),
      charged: 0,
      accepted_at: expect.any(Number),
      valid_before: call.validBefore,
      last_seq: 0,
      attempt: '0x',
      policy: '0x',
      windows: '[]',
      entries: '[]',
      timeout_seconds: 0,
      dispatched_at: 0,
      hold_until: 0,
      since_block: 0,
      identifier: null,
      transaction_hash: null,
      finished_entry: null,
      held: null,
      answer: null,
      top_up: null,
      authority: null,
    });
  });

  test('never runs again afterwards, and says nothing of its request to a stranger', async () => {
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
    expect(await stubOf(payer).finish(call.call, randomHex(16), success)).toEqual({
      verdict: 'unknown_call',
    });
  });

  test('becomes credit if its payment is settled even then', async () => {
    const { payer, call } = await lookedAt();
    const moved = {
      call: call.call,
      outcome: 'settled',
      transaction: randomHex(32),
      block: 12,
    } as const;
    await stubOf(payer).settled([moved, moved]);
    expect((await purseOf(payer)).credit).toBe(call.price.toString());
    const entry = await entriesIn(payer, call.call);
    expect(entry).toMatchObject([{ type: 'payment.settled', tool: call.tool, call: call.call }]);
  });

  test('keeps its entries until they are exported', async () => {
    const payer = randomHex(20);
    await trust(payer, 1_000_000n, 100_000_000n);
    const call = await fail(payer);
    pass(call.validBefore - nowSeconds() + 31);
    await stubOf(payer).settled([{ call: call.call, outcome: 'released' }]);
    const entries = await entriesIn(payer, call.call);
    expect(entries).toHaveLength(2);
  });
});
