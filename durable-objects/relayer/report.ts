import type { AccountId } from '../../src/protocol/account-id.ts';
import type { Seconds } from '../../src/core/clock.ts';
import type { SettlementResult } from '../../src/protocol/payment.ts';
import type { Desk } from './desk.ts';
import { fail, type LiveReport } from './memory.ts';

/** Accounts that are told at once. */
const AT_ONCE = 20;
const FIRST_PAUSE: Seconds = 2;
const LONGEST_PAUSE: Seconds = 300;
/** Accounts ask the chain themselves; books without a transaction of a week ago are for the operator to look at. */
const GIVEN_UP: Seconds = 7 * 86_400;

/**
 * Tells accounts what has settled, and the books what it cost, until each has answered. Neither waits for the other, and
 * settlement waits for neither.
 */
export const report = async (desk: Desk): Promise<void> => {
  const { memory, store } = desk;
  const due = [...memory.reports.values()].filter(({ dueAt }) => dueAt <= desk.now());
  for (const one of due) {
    await Promise.all([tellAll(desk, one), bookOnce(desk, one)]);
    const isDone = one.untold.size === 0 && one.booked;
    if (isDone || desk.now() - one.record.at > GIVEN_UP) {
      if (!isDone) console.error({ event: 'relay_unreported', transaction: one.record.hash });
      store.write({ reported: [one.record.hash] });
      memory.reports.delete(one.record.hash);
      continue;
    }
    one.dueAt = desk.now() + Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** one.tries);
    one.tries += 1;
  }
};

const tellAll = async ({ audience, memory, now }: Desk, one: LiveReport): Promise<void> => {
  const { hash, block, settled } = one.record;
  const byAccount = Map.groupBy(
    settled.filter(({ key }) => one.untold.has(key)),
    ({ account }) => account,
  );
  const tell = async ([account, payments]: readonly [AccountId, typeof settled]): Promise<void> => {
    const results = payments.map(({ call }): SettlementResult => ({
      call,
      outcome: 'settled',
      transaction: hash,
      block,
    }));
    try {
      if (!(await audience.tell(account, results))) return;
      for (const { key } of payments) one.untold.delete(key);
    } catch (cause) {
      console.error({ event: 'relay_untold', account, cause: String(cause) });
    }
  };
  const all = [...byAccount];
  for (let at = 0; at < all.length; at += AT_ONCE) {
    await Promise.all(all.slice(at, at + AT_ONCE).map(tell));
  }
  if (one.untold.size > 0) fail(memory, 'accounts_unreachable', now());
};

const bookOnce = async ({ audience, memory, now }: Desk, one: LiveReport): Promise<void> => {
  if (one.booked) return;
  try {
    await audience.book(one.record);
    one.booked = true;
  } catch (cause) {
    console.error({ event: 'relay_unbooked', transaction: one.record.hash, cause: String(cause) });
    fail(memory, 'books_unreachable', now());
  }
};
