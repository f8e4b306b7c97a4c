import { expect } from 'vitest';
import type { Agent, PaidRequest } from './support/agent.ts';
import { type Book, callOf, ledgerOf, movedBy, verifyBook } from './support/account-records.ts';
import { hasEnded, type LyingStage } from './support/lying-stage.ts';

/** Law 5 and 11 of one account: its ledger is what the chain says, and its log is whole. */
export const expectTrue = async (
  { stage }: LyingStage,
  agent: Agent,
  book: Book,
): Promise<void> => {
  const moved = await movedBy(stage, agent.address);
  expect([ledgerOf(book), book.purse.settled]).toEqual([moved, moved]);
  expect(await verifyBook(agent.id, book)).toMatchObject({ ok: true });
};

/** A call that ran and was paid for, once. */
export const expectSettledOnce = async (
  world: LyingStage,
  agent: Agent,
  request: PaidRequest,
): Promise<void> => {
  const book = await world.bookOf(agent, hasEnded(request));
  expect(callOf(book, request)).toMatchObject({ state: 'committed', payment: 'settled' });
  expect(world.runsOf(request)).toBe(1);
  expect(book.purse.credit).toBe(0n);
  await expectTrue(world, agent, book);
};
