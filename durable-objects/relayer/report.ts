import type { Seconds } from '../../src/core/clock.ts';
import type { AccountId } from '../../src/protocol/account-id.ts';
import type { SettlementResult } from '../../src/protocol/payment.ts';
import { RELAYER } from '../../src/protocol/relayer-contract.ts';
import { bounceQuery } from '../../src/settlement/present/bounce.ts';
import type { Pending } from '../../src/settlement/relayer/pending.ts';
import { remove } from '../store/noun.ts';
import type { RelayerContext } from './context.ts';
import { acknowledge, dropReport, fail, type LiveReport } from './memory.ts';
import { REPORT } from './report-record.ts';

/** Accounts that are notified at once. */
const AT_ONCE = 20;
const FIRST_PAUSE: Seconds = 2;
const LONGEST_PAUSE: Seconds = 300;
/** After this time a report is dropped: accounts observe the chain themselves, and an operator can find the missing `relays` row. */
export const GIVEN_UP: Seconds = 7 * 86_400;

/**
 * Reports final transactions: notifies accounts of what has settled, and records in D1 what it cost, until each has answered. Neither waits
 * for the other, and settlement waits for neither.
 */
export const report = async (context: RelayerContext): Promise<void> => {
  const { memory, disk } = context;
  const due = [...memory.reports.values()].filter(({ dueAt }) => dueAt <= context.now());
  for (const one of due) {
    await Promise.all([notifyAll(context, one), recordOnce(context, one)]);
    const isDone = one.unacknowledged.size === 0 && one.isRecorded;
    if (isDone || context.now() - one.record.at > GIVEN_UP) {
      if (!isDone) console.error({ event: 'relay_unreported', transaction: one.record.hash });
      disk.write([remove(REPORT, one.record.hash)]);
      dropReport(memory, one);
      continue;
    }
    one.dueAt = context.now() + Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** one.tries);
    one.tries += 1;
  }
};

const notifyAll = async (
  { subscribers, memory, now }: RelayerContext,
  one: LiveReport,
): Promise<void> => {
  const { hash, block, settled } = one.record;
  const byAccount = Map.groupBy(
    settled.filter(({ key }) => one.unacknowledged.has(key)),
    ({ account }) => account,
  );
  const notify = async ([account, payments]: readonly [
    AccountId | undefined,
    typeof settled,
  ]): Promise<void> => {
    if (account === undefined) return;
    const results = payments.map(({ call }): SettlementResult => ({
      call,
      outcome: 'settled',
      transaction: hash,
      block,
    }));
    try {
      if (!(await subscribers.notify(account, results))) return;
      for (const { key } of payments) acknowledge(memory, one, key);
    } catch (cause) {
      console.error({ event: 'relay_untold', account, cause: String(cause) });
    }
  };
  const all = [...byAccount];
  for (let at = 0; at < all.length; at += AT_ONCE) {
    await Promise.all(all.slice(at, at + AT_ONCE).map(notify));
  }
  if (one.unacknowledged.size > 0) fail(memory, 'accounts_unreachable', now());
};

const recordOnce = async (
  { subscribers, memory, now }: RelayerContext,
  one: LiveReport,
): Promise<void> => {
  if (one.isRecorded) return;
  try {
    await subscribers.recordRelay(one.record);
    one.isRecorded = true;
  } catch (cause) {
    console.error({ event: 'relay_unbooked', transaction: one.record.hash, cause: String(cause) });
    fail(memory, 'books_unreachable', now());
  }
};

/**
 * Notifies accounts of payments that failed their trial for a reason of their payer: until such a payment ends, its account gets no more
 * deferred service (law 7). Never throws. The settlement queue runs the same simulation, and notifies an account that this call did not
 * reach.
 */
export const notifyBounces = async (
  context: RelayerContext,
  failed: readonly Pending[],
): Promise<void> => {
  const { node, setup, subscribers } = context;
  const { token } = setup;
  try {
    const answers = await node.query(
      failed.map((one) => bounceQuery({ ...one, token }, one.sinceBlock)),
    );
    const results = failed.flatMap(({ account, call }, at) => {
      const answer = answers[at];
      const reason = answer?.ok === true ? answer.value : undefined;
      if (reason === undefined || account === undefined) return [];
      const result: SettlementResult = { call, outcome: 'bounced', reason, backend: RELAYER };
      return { account, result };
    });
    const byAccount = Map.groupBy(results, ({ account }) => account);
    await Promise.all(
      [...byAccount].map(async ([account, own]) =>
        subscribers.notify(
          account,
          own.map(({ result }) => result),
        ),
      ),
    );
  } catch (cause) {
    console.error({ event: 'relay_bounce_untold', cause: String(cause) });
  }
};
