import type { Acknowledged } from '../protocol/account/rpc.ts';
import type { AccountId } from '../protocol/account-id.ts';
import type { Seconds } from '../core/clock.ts';
import type { Attempts } from './operator-tables.ts';
import type { BackendHealth } from './backends/backend.ts';
import { deadLetter, type DeadLetter, type QueueMessage } from './dead-letter.ts';
import { readSettlementMessage } from './message.ts';
import type { SettlementResult } from '../protocol/payment.ts';
import { type Delivered, isHandedOver, type Report, reportOf } from './report.ts';
import { type RoundDeps, settleRound } from './present/round.ts';
import type { Observe } from './telemetry.ts';
import { noteTrouble, type Told } from './trouble.ts';

/** Name of the queue, as dead letters show it. */
const QUEUE = 'countersign-settlement';
const LONGEST_PAUSE: Seconds = 60;
/** Deliveries of one message, about three minutes: the account sends another one every five minutes, for as long as it takes. */
const MOST_ATTEMPTS = 8;
/** Around the deadline of a payment nobody waits for the account's next message: the balance of that moment decides. */
const NEAR_DEADLINE: Seconds = 300;
/** A backend was shown it: two blocks of a rollup pass before the next look. */
const PRESENTED_PAUSE: Seconds = 4;

export type SettlementDeps = RoundDeps & {
  /** The account's object. */
  readonly account: (id: AccountId) => {
    settled(results: readonly SettlementResult[]): Promise<Acknowledged>;
  };
  /** Keeps a message that cannot be read. @throws when it was not kept. */
  readonly deadLetter: (letter: DeadLetter) => Promise<void>;
  /** What operators see of payments that take long. */
  readonly attempts: Attempts;
  /** Keeps how backends do, where that is news. */
  readonly recordHealth: (health: readonly BackendHealth[], now: Seconds) => Promise<void>;
  readonly observe: Observe;
};

/**
 * Consumes a batch of the settlement queue: one round over all its payments, then each account hears the results of its
 * calls. A message is acknowledged only after its account has stored a final result, or that our relayer has the payment, or
 * when it has come often enough: the account keeps what is not final open and sends it again (law 5), so messages of payments
 * that wait do not multiply until they fill the dead-letter queue. Every other one comes again, later each time.
 */
export const consumeSettlement = async (
  messages: readonly QueueMessage[],
  deps: SettlementDeps,
  now: Seconds,
): Promise<void> => {
  const delivered = await readAll(messages, deps, now);
  const seen = await settleRound(deps, delivered, now);
  const accounts = Map.groupBy(seen.map(reportOf), ({ task }) => task.account);
  const told = await Promise.all(
    [...accounts].map(([account, reports]) => tellAccount(deps, account, reports, now)),
  );
  await noteTrouble(deps, told.flat(), now);
};

const readAll = async (
  messages: readonly QueueMessage[],
  deps: SettlementDeps,
  now: Seconds,
): Promise<readonly Delivered[]> => {
  const delivered: Delivered[] = [];
  for (const message of messages) {
    const { attempts } = message;
    const read = readSettlementMessage(message.body);
    if (read.ok) {
      delivered.push({ ...read.value, attempts, message });
      continue;
    }
    try {
      await deps.deadLetter(deadLetter(message, QUEUE, `malformed: ${read.error}`, now));
      message.ack();
    } catch {
      message.retry({ delaySeconds: pauseAfter(attempts) });
    }
  }
  return delivered;
};

/** @returns the reports, with whether the account has stored what they say. */
const tellAccount = async (
  deps: SettlementDeps,
  account: AccountId,
  reports: readonly Report[],
  now: Seconds,
): Promise<readonly Told[]> => {
  // A queue delivers twice; the account hears of a call once.
  const results = new Map<string, SettlementResult>();
  for (const { task, outcome } of reports) {
    if (outcome !== undefined) results.set(task.call, { call: task.call, ...outcome });
  }
  // An open payment is left only to an account that has just been awake: waking sets a lost alarm again.
  const isLeft = reports.some((report) => !report.isFinal && isForAccount(report, now));
  const stored =
    (results.size === 0 && !isLeft) || (await store(deps, account, [...results.values()]));
  for (const report of reports) {
    const { task, view, presented, isFinal } = report;
    if (stored && (isFinal || isForAccount(report, now))) {
      task.message.ack();
      continue;
    }
    const pause = pauseAfter(task.attempts);
    const atLeast = presented === undefined ? pause : Math.max(pause, PRESENTED_PAUSE);
    const delaySeconds =
      view.view === 'unused' ? untilDeadline(task.look.validBefore, atLeast, now) : atLeast;
    task.message.retry({ delaySeconds });
  }
  return reports.map((report) => ({ ...report, stored }));
};

/**
 * Whether a payment that is still open is left to the account's next message: our relayer has it and tells the account itself, or
 * it has come often enough.
 */
const isForAccount = (report: Report, now: Seconds): boolean => {
  const { attempts, look } = report.task;
  return (
    (isHandedOver(report) || attempts >= MOST_ATTEMPTS) &&
    Math.abs(Number(look.validBefore) - now) > NEAR_DEADLINE
  );
};

const store = async (
  deps: SettlementDeps,
  account: AccountId,
  results: readonly SettlementResult[],
): Promise<boolean> => {
  try {
    return (await deps.account(account).settled(results)).verdict === 'ok';
  } catch {
    return false;
  }
};

/** 2, 4, 8, … seconds, at most 60. */
const pauseAfter = (attempts: number): Seconds =>
  Math.min(LONGEST_PAUSE, 2 ** Math.min(Math.max(attempts, 1), 6));

/** The balance that tells a payer's fault from ours is the one soon after the deadline: so no pause reaches far beyond it. */
const untilDeadline = (validBefore: bigint, pause: Seconds, now: Seconds): Seconds => {
  const left = Number(validBefore) - now;
  return left > 0 ? Math.min(pause, left + 2) : pause;
};
