import { runDurableObjectAlarm } from 'cloudflare:test';
import { afterEach, expect, test, vi } from 'vitest';
import { nowSeconds } from '../../src/core/clock.ts';
import {
  callOf,
  factsOf,
  randomHex,
  snapshotOf,
  stubOf,
  success,
  trust,
} from '../durable-objects/support.ts';

/** What the chain is asked again for, and what a remembered call waits for: both are over after this. */
const LATER = 5_000;
const BALANCE = 1_000_000_000n;
const AT_ONCE = 32;

afterEach(() => {
  vi.useRealTimers();
});

const at = (seconds: number): void => {
  vi.useFakeTimers({ toFake: ['Date'], now: seconds * 1000 });
};

/** Rows that so many calls of one account write from their reserve until nothing is left of them: deletes and alarms included. */
const rowsOf = async (calls: number): Promise<number> => {
  const start = nowSeconds();
  at(start);
  const payer = randomHex(20);
  const stub = stubOf(payer);
  await trust(payer, 1_000_000n, BALANCE);
  await stub.exported((await snapshotOf(payer)).seq);
  at(start + LATER);
  await runDurableObjectAlarm(stub);
  const before = (await snapshotOf(payer)).rowsWritten;

  const made = Array.from({ length: calls }, () => callOf(payer));
  const facts = factsOf(BALANCE, 20);
  await Promise.all(
    made.map(async (call) => {
      const attempt = randomHex(16);
      const { verdict } = await stub.reserve(call, attempt, { facts });
      if (verdict !== 'go') throw new Error(`a call that can be paid heard ${verdict}`);
      await stub.finish(call.call, attempt, success);
    }),
  );
  await stub.settled(
    made.map(({ call }) => ({
      call,
      outcome: 'settled',
      transaction: randomHex(32),
      block: 21,
    })),
  );
  await stub.exported((await snapshotOf(payer)).seq);
  at(start + LATER + 11);
  await runDurableObjectAlarm(stub);
  at(start + 2 * LATER);
  await runDurableObjectAlarm(stub);
  const snapshot = await snapshotOf(payer);
  expect(snapshot.open).toBe(0);
  return snapshot.rowsWritten - before;
};

test('rows of a call alone, and of calls at once', async ({ task }) => {
  const alone = await rowsOf(1);
  const together = await rowsOf(AT_ONCE);
  task.meta.rows = { alone, atOnce: together / AT_ONCE };
});
