import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { afterEach, beforeEach, describe, expect, inject, test, vi } from 'vitest';
import type { AccountId } from '../../src/protocol/account-id.ts';
import { nowSeconds } from '../../src/core/clock.ts';
import { db, freshDatabase } from '../unit/audit/database.ts';
import { AT_ONCE, type Bytes, type CostOptions, perCall } from './counts.ts';
import { openPayer, type Payer } from './payer.ts';

/** The test runs only with `npm run cost`. */
const { calls = 0 } = JSON.parse(inject('options') ?? '{}') as Partial<CostOptions>;

/** The shortest validity with which the gateway defers settlement (`SETTLE_ROOM` plus the tool's timeout). */
const VALIDITY = 915;
/** Seconds after that until the account prunes the call. */
const FORGOTTEN = 600;
const REMEMBERED = 320;
const SECONDS = 30;

beforeEach(freshDatabase);

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

const sizesOf = async (account: AccountId): Promise<Bytes> => {
  const { results, meta } = await db
    .prepare('SELECT coalesce(sum(length(body)), 0) AS chunks FROM chunks')
    .all<{ chunks: number }>();
  const object = await runInDurableObject(
    env.AGENT_ACCOUNT.getByName(account),
    (_, { storage }) => storage.sql.databaseSize,
  );
  return { object, database: meta.size_after, chunks: results[0]?.chunks ?? 0 };
};

/** Makes calls in concurrent groups, before the account prunes any of them. */
const grow = async ({ call, world, account }: Payer, group: number): Promise<Bytes> => {
  const before = await sizesOf(account);
  const groups = Math.ceil(calls / group);
  for (let made = 0; made < groups; made += 1) {
    await call(group);
    await world.until(account, nowSeconds() + 3);
  }
  const after = await sizesOf(account);
  const each = (name: keyof Bytes): number => (after[name] - before[name]) / (groups * group);
  return { object: each('object'), database: each('database'), chunks: each('chunks') };
};

describe.skipIf(calls === 0)('an account that remembers', () => {
  test('counts the bytes of single and concurrent calls', async ({ task }) => {
    const alone = await grow(await openPayer(), 1);
    vi.restoreAllMocks();
    await freshDatabase();
    const atOnce = await grow(await openPayer(), AT_ONCE);
    task.meta.bytes = { alone, atOnce };
  });

  test('counts the rows that an account with many calls reads', async ({ task }) => {
    const payer = await openPayer();
    const { world, account } = payer;
    const stub = env.AGENT_ACCOUNT.getByName(account);
    const read = async (does: () => Promise<unknown>): Promise<number> => {
      const before = world.meter.counts().objectRead;
      await does();
      return world.meter.counts().objectRead - before;
    };
    const wake = () =>
      read(async () => {
        await evictDurableObject(stub);
        await world.meter.watch(account);
        await stub.snapshot();
      });
    const alarm = () => read(() => runDurableObjectAlarm(stub));
    await payer.call(1);
    await world.until(account, nowSeconds() + 30);
    const few = { wake: await wake(), alarm: await alarm() };
    await grow(payer, AT_ONCE);
    const many = { wake: await wake(), alarm: await alarm() };
    task.meta.reads = {
      wake: (many.wake - few.wake) / calls,
      alarm: (many.alarm - few.alarm) / calls,
    };
  });

  test('counts a call in the steady state of one call a second', async ({ task }) => {
    const { world, account, callsValidFor } = await openPayer();
    const start = nowSeconds();
    // Continues as if one call had been made each second, so that the account now prunes one each second.
    for (let made = 0; made < REMEMBERED; made += AT_ONCE) {
      await callsValidFor(Array.from({ length: AT_ONCE }, (_, at) => VALIDITY + made + at));
      await world.until(account, start);
    }
    await world.until(account, start + VALIDITY + FORGOTTEN);
    const second = async (): Promise<void> => {
      await callsValidFor([VALIDITY]);
      await world.until(account, nowSeconds() + 1);
    };
    for (let past = 0; past < SECONDS; past += 1) await second();
    const before = world.meter.counts();
    for (let past = 0; past < SECONDS; past += 1) await second();
    const counts = perCall(world.meter.counts(), before, SECONDS);
    expect(counts.alarm).toBeGreaterThan(0);
    task.meta.steady = { remembered: REMEMBERED, counts };
  });
});
