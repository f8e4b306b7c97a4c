import { runDurableObjectAlarm } from 'cloudflare:test';
import { expect, vi } from 'vitest';
import type { Hex } from '../../src/core/hex.ts';
import { nowSeconds } from '../../src/core/clock.ts';
import { randomHex, snapshotOf, stubOf, trust } from './support.ts';

/** Seconds after which facts about a payer are stale and the account may prune finished calls. */
const LATER = 5_000;
export const BALANCE = 1_000_000_000n;
/** The block of the stored facts about the payer. */
export const BLOCK = 20;

const at = (seconds: number): void => {
  vi.useFakeTimers({ toFake: ['Date'], now: seconds * 1000 });
};

/**
 * Counts the rows that the calls of one account write between their reserve and their pruning, including deletes and alarms.
 *
 * @param send makes calls that succeed and returns their ids.
 */
export const rowsOf = async (payer: Hex, send: () => Promise<readonly Hex[]>): Promise<number> => {
  const start = nowSeconds();
  at(start);
  const stub = stubOf(payer);
  await trust(payer, 1_000_000n, BALANCE);
  await stub.exported((await snapshotOf(payer)).seq);
  at(start + LATER);
  await runDurableObjectAlarm(stub);
  const before = (await snapshotOf(payer)).rowsWritten;

  const calls = await send();
  await stub.settled(
    calls.map((call) => ({
      call,
      outcome: 'settled',
      transaction: randomHex(32),
      block: BLOCK + 1,
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
