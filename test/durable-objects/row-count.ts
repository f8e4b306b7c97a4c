import { runDurableObjectAlarm } from 'cloudflare:test';
import { expect, vi } from 'vitest';
import type { Hex } from '../../src/core/hex.ts';
import { nowSeconds } from '../../src/core/clock.ts';
import { randomHex, snapshotOf, stubOf, trust } from './support.ts';

/** What the chain is asked again for, and what a remembered call waits for: both are over after this. */
const LATER = 5_000;
export const BALANCE = 1_000_000_000n;
/** The block of what is known of the payer. */
export const BLOCK = 20;

const at = (seconds: number): void => {
  vi.useFakeTimers({ toFake: ['Date'], now: seconds * 1000 });
};

/**
 * Rows that calls of one account write from their reserve until nothing is left of them: deletes and alarms included.
 *
 * @param send makes calls that are granted and finish, and says their ids.
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
