import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { AgentAccount } from '../../../../durable-objects/account/agent-account.ts';
import { ACCOUNT } from '../../../../durable-objects/account/state.ts';
import { openDisk } from '../../../../durable-objects/store/open-disk.ts';
import { storeChunk } from '../../../../src/audit/store.ts';
import type { AuditMessage } from '../../../../src/audit/chunk.ts';
import { nowSeconds } from '../../../../src/core/clock.ts';
import type { Hex } from '../../../../src/core/hex.ts';
import { db, freshDatabase } from '../../../unit/audit/database.ts';
import {
  accountOf,
  callOf,
  factsOf,
  randomHex,
  snapshotOf,
  stubOf,
  success,
  trust,
} from '../../support.ts';
import { pass, restore } from '../../tree-support.ts';

const PATIENCE = { timeout: 30_000 };

beforeEach(freshDatabase);
afterEach(restore);

/** Collects the chunks that an account exports from now on. No consumer stores them. */
const collectChunks = (payer: Hex): Promise<AuditMessage[]> =>
  runInDurableObject(stubOf(payer), (object: AgentAccount) => {
    const sent: AuditMessage[] = [];
    const { AUDIT_QUEUE: queue } = Reflect.get(object, 'env') as Env;
    vi.spyOn(queue, 'send').mockImplementation((message) => {
      const chunk = message as AuditMessage;
      // Objects of earlier tests share the queue.
      if (chunk.account === accountOf(payer)) sent.push(chunk);
      return Promise.resolve({} as QueueSendResponse);
    });
    return sent;
  });

/** An account with a settled call, whose chunks are collected. */
const openAccount = async () => {
  const payer = randomHex(20);
  await stubOf(payer).snapshot();
  const chunks = await collectChunks(payer);
  await trust(payer, 1_000_000n, 100_000_000n);
  await vi.waitFor(() => expect(chunks.length).toBeGreaterThan(0), PATIENCE);
  return { payer, chunks };
};

/** Stores chunks in D1. @returns the last seq. */
const store = async (chunks: readonly AuditMessage[]): Promise<number> => {
  for (const chunk of chunks) {
    const result = await storeChunk(db, chunk, nowSeconds());
    if (!result.ok) throw new Error(JSON.stringify(result.error));
  }
  return chunks.at(-1)?.last ?? 0;
};

const begin = async (payer: Hex) => {
  const call = callOf(payer);
  const attempt = randomHex(16);
  const { verdict } = await stubOf(payer).reserve(call, attempt, {});
  if (verdict !== 'go') throw new Error(`expected go, got ${verdict}`);
  return { id: call.id, attempt };
};

const settle = (payer: Hex, call: Hex) =>
  stubOf(payer).settled([{ call, outcome: 'settled', transaction: randomHex(32), block: 12 }]);

/** The last sequence number that the account has stored as exported. */
const storedExported = (payer: Hex): Promise<number | undefined> =>
  runInDurableObject(stubOf(payer), (_, { storage }) => {
    const [account] = openDisk(storage).find(ACCOUNT);
    return account?.exported;
  });

describe('the acknowledgement of an export', () => {
  test('writes no row, and is stored with the next write', async () => {
    const { payer, chunks } = await openAccount();
    const last = await store(chunks);
    const { rowsWritten } = await snapshotOf(payer);
    expect(await stubOf(payer).exported(last)).toEqual({ verdict: 'ok' });
    expect(await snapshotOf(payer)).toMatchObject({ exported: last, rowsWritten });
    expect(await storedExported(payer)).toBe(0);
    await begin(payer);
    expect(await storedExported(payer)).toBe(last);
  });

  test('that an eviction has lost is read from D1 instead of sending the entries again', async () => {
    const { payer, chunks } = await openAccount();
    const last = await store(chunks);
    await stubOf(payer).exported(last);
    await evictDurableObject(stubOf(payer));
    expect(await snapshotOf(payer)).toMatchObject({ exported: 0 });
    const sent = chunks.length;
    await begin(payer);
    await vi.waitFor(async () => expect((await snapshotOf(payer)).exported).toBe(last), PATIENCE);
    pass(11);
    await runDurableObjectAlarm(stubOf(payer));
    expect(chunks.slice(sent).map(({ first }) => first)).toEqual([last + 1]);
  });

  test('that an alarm reads from D1 is stored, so that no other wake-up asks', async () => {
    const { payer, chunks } = await openAccount();
    const last = await store(chunks);
    await stubOf(payer).exported(last);
    await evictDurableObject(stubOf(payer));
    await snapshotOf(payer);
    await runDurableObjectAlarm(stubOf(payer));
    expect(await storedExported(payer)).toBe(last);
  });

  test('never came for a lost chunk: an account that wakes sends it again', async () => {
    const { payer, chunks } = await openAccount();
    const [lost] = chunks;
    await evictDurableObject(stubOf(payer));
    await snapshotOf(payer);
    const sent = chunks.length;
    pass(11);
    await runDurableObjectAlarm(stubOf(payer));
    await vi.waitFor(() => expect(chunks.length).toBeGreaterThan(sent), PATIENCE);
    expect(chunks[sent]?.first).toBe(lost?.first);
    await store(chunks.slice(sent));
  });

  test('that does not come lets the account send again ever more rarely, and what follows it as before', async () => {
    const { payer, chunks } = await openAccount();
    const first = chunks.length;
    const times: number[] = [];
    // The time that a slow machine needs must not add up.
    const start = Date.now();
    const clock = vi.spyOn(Date, 'now');
    for (let second = 0; second < 640; second += 5) {
      const sent = chunks.length;
      clock.mockReturnValue(start + (second + 5) * 1_000);
      await runDurableObjectAlarm(stubOf(payer));
      if (chunks.length > sent) times.push(second + 5);
    }
    const [resent = 0, ...later] = times.map((time, at) => time - (times[at - 1] ?? 0));
    expect(resent).toBeLessThanOrEqual(20);
    expect(later).toEqual([30, 60, 120, 240]);
    expect(new Set(chunks.slice(first).map(({ first: seq }) => seq))).toEqual(new Set([1]));
    await stubOf(payer).exported(await store(chunks));
    const sent = chunks.length;
    const facts = factsOf(100_000_000n);
    const { verdict } = await stubOf(payer).reserve(callOf(payer), randomHex(16), { facts });
    expect(verdict).toBe('go');
    clock.mockReturnValue(start + 651_000);
    await runDurableObjectAlarm(stubOf(payer));
    await vi.waitFor(() => expect(chunks.length).toBeGreaterThan(sent), PATIENCE);
  });

  test('is missing while D1 cannot be asked: the account sends its entries again', async () => {
    const { payer, chunks } = await openAccount();
    await evictDurableObject(stubOf(payer));
    await snapshotOf(payer);
    vi.spyOn(db, 'prepare').mockImplementation(() => {
      throw new Error('D1 is down');
    });
    const sent = chunks.length;
    await runDurableObjectAlarm(stubOf(payer));
    await vi.waitFor(() => expect(chunks.length).toBeGreaterThan(sent), PATIENCE);
  });

  test('is missing while D1 cannot be asked: what the account has sent again does not hasten the next chunk', async () => {
    const { payer, chunks } = await openAccount();
    await evictDurableObject(stubOf(payer));
    await snapshotOf(payer);
    const asked = vi.spyOn(db, 'prepare').mockImplementation(() => {
      throw new Error('D1 is down');
    });
    const sent = chunks.length;
    await runDurableObjectAlarm(stubOf(payer));
    await vi.waitFor(() => expect(chunks.length).toBeGreaterThan(sent), PATIENCE);
    asked.mockRestore();
    await begin(payer);
    pass(2);
    const again = chunks.length;
    await stubOf(payer).exported(chunks.at(-1)?.last ?? 0);
    await snapshotOf(payer);
    expect(chunks.length).toBe(again);
    pass(9);
    await runDurableObjectAlarm(stubOf(payer));
    await vi.waitFor(() => expect(chunks.length).toBe(again + 1), PATIENCE);
  });

  test('is missing while D1 does not answer: the account sends its entries again, and can be evicted', async () => {
    const { payer, chunks } = await openAccount();
    await evictDurableObject(stubOf(payer));
    await snapshotOf(payer);
    vi.spyOn(db, 'prepare').mockReturnValue({
      bind: () => ({ first: () => new Promise(() => undefined) }),
    } as unknown as D1PreparedStatement);
    const sent = chunks.length;
    await runDurableObjectAlarm(stubOf(payer));
    await vi.waitFor(() => expect(chunks.length).toBeGreaterThan(sent), PATIENCE);
    await evictDurableObject(stubOf(payer));
  });
});

describe('a chunk', () => {
  test('is cut when the last open payment has ended', async () => {
    const { payer, chunks } = await openAccount();
    await stubOf(payer).exported(await store(chunks));
    const sent = chunks.length;
    const [one, other] = [await begin(payer), await begin(payer)];
    for (const { id, attempt } of [one, other]) await stubOf(payer).finish(id, attempt, success);
    await settle(payer, one.id);
    pass(5);
    await snapshotOf(payer);
    expect(chunks.length).toBe(sent);
    await settle(payer, other.id);
    await vi.waitFor(() => expect(chunks.length).toBe(sent + 1), PATIENCE);
    expect(chunks[sent]?.last).toBe((await snapshotOf(payer)).seq);
  });

  test('is cut after ten seconds while a call runs', async () => {
    const { payer, chunks } = await openAccount();
    await stubOf(payer).exported(await store(chunks));
    const sent = chunks.length;
    await begin(payer);
    pass(9);
    await runDurableObjectAlarm(stubOf(payer));
    expect(chunks.length).toBe(sent);
    pass(2);
    await runDurableObjectAlarm(stubOf(payer));
    expect(chunks.length).toBe(sent + 1);
  });
});
