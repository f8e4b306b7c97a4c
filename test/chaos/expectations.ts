import { expect } from 'vitest';
import type { Agent, PaidRequest } from './support/agent.ts';
import {
  type AccountRecord,
  callOf,
  ledgerOf,
  movedBy,
  verifyRecord,
} from './support/account-records.ts';
import { hasEnded, type LyingStage } from './support/lying-stage.ts';

/** Expects that an account's ledger equals the chain and its log verifies (laws 5 and 11). */
export const expectTrue = async (
  { stage }: LyingStage,
  agent: Agent,
  record: AccountRecord,
): Promise<void> => {
  const moved = await movedBy(stage, agent.address);
  expect([ledgerOf(record), record.purse.settled]).toEqual([moved, moved]);
  expect(await verifyRecord(agent.id, record)).toMatchObject({ ok: true });
};

/** Expects that a call ran once and its payment settled once. */
export const expectSettledOnce = async (
  world: LyingStage,
  agent: Agent,
  request: PaidRequest,
): Promise<void> => {
  const record = await world.recordOf(agent, hasEnded(request));
  expect(callOf(record, request)).toMatchObject({ state: 'committed', payment: 'settled' });
  expect(world.runsOf(request)).toBe(1);
  expect(record.purse.credit).toBe(0n);
  await expectTrue(world, agent, record);
};
