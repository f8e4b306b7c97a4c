import type { Seconds } from '../core/clock.ts';
import type { AccountId } from '../protocol/account-id.ts';
import type { Acknowledged } from '../protocol/account/rpc.ts';
import type { SettlementMessage, SettlementResult } from '../protocol/payment.ts';
import { BUSY } from './backends/backend.ts';
import type { BackendHealth } from './backends/health.ts';
import { type Delivered, isHandedOver, type Report, reportOf } from './conclude.ts';
import {
  type DeadLetter,
  partsOf,
  type QueueMessage,
  settlementDeadLetter,
} from './dead-letter.ts';
import type { Attempts } from './operator-tables.ts';
import { type RoundDeps, settleRound } from './present/round.ts';
import { readSettlementMessage } from './read-message.ts';
import { recordRound, type StoredReport } from './round-record.ts';
import type { Emit } from './telemetry.ts';

/** Payments that waited for an outage of chain or backends to end settle soon after it. */
const LONGEST_PAUSE: Seconds = 20;
/** Deliveries of one message, in about three minutes. The account sends another message every five minutes until the payment ends. */
const MAX_ATTEMPTS = 12;
/**
 * Near the deadline of a payment its message is retried at once: the balance at that moment decides whether payer or gateway is at fault.
 */
const NEAR_DEADLINE: Seconds = 300;
/** The delay if every backend was busy: another round may find a free place. */
const BUSY_PAUSE: Seconds = 4;
/**
 * Payments of one round: about what the facilitators can take with the connections of one batch. Six requests to the node observe them all.
 */
const MAX_PAYMENTS = 300;
/** After a presentation: two blocks of a rollup pass before the next observation. */
const PRESENTED_PAUSE: Seconds = 4;

export type SettlementDeps = RoundDeps & {
  /** The queue's name, for dead letters. */
  readonly queue: string;
  /** Returns the account's object. */
  readonly account: (id: AccountId) => {
    settled(results: readonly SettlementResult[]): Promise<Acknowledged>;
  };
  /** Keeps a message that cannot be read. @throws if it was not kept. */
  readonly deadLetter: (deadLetter: DeadLetter) => Promise<void>;
  /** The payments that take long, for operators. */
  readonly attempts: Attempts;
  /** Writes the health of backends that changed. */
  readonly recordHealth: (health: readonly BackendHealth[], now: Seconds) => Promise<void>;
  /** Sends payments in a new message, after a delay. @throws if it was not sent. */
  readonly sendAgain: (
    payments: readonly SettlementMessage[],
    delaySeconds: Seconds,
  ) => Promise<void>;
  readonly emit: Emit;
};

/**
 * Consumes a batch of the settlement queue: one round over all its payments, then each account gets the results of its calls.
 *
 * A message is acknowledged only after the account has stored a final result of each of its payments, or a backend has stored the payment,
 * or it was delivered `MAX_ATTEMPTS` times. Every other message is retried, later each time; if some of its payments are done, a new
 * message continues with the others. Acknowledging an open payment is safe: the account keeps it open and sends another message (law 5). So
 * the messages of waiting payments do not multiply until they fill the dead-letter queue.
 */
export const consumeSettlement = async (
  messages: readonly QueueMessage[],
  deps: SettlementDeps,
  now: Seconds,
): Promise<void> => {
  const delivered = await readAll(messages, deps, now);
  const results = await settleRound(deps, delivered, now);
  const byAccount = Map.groupBy(results.map(reportOf), ({ task }) => task.account);
  const reports = await Promise.all(
    [...byAccount].map(([account, own]) => reportToAccount(deps, account, own, now)),
  );
  const stored = reports.flat();
  const byMessage = Map.groupBy(stored, ({ task }) => task.message);
  await Promise.all([...byMessage.values()].map((own) => endMessage(deps, own, now)));
  await recordRound(deps, stored, now);
};

/**
 * Reads the payments of the messages, as many as one round takes. The other messages are delivered again at once, in production to another
 * consumer.
 */
const readAll = async (
  messages: readonly QueueMessage[],
  deps: SettlementDeps,
  now: Seconds,
): Promise<readonly Delivered[]> => {
  const delivered: Delivered[] = [];
  for (const message of messages) {
    const parts = partsOf(message);
    if (delivered.length > 0 && delivered.length + parts.length > MAX_PAYMENTS) {
      message.retry({ delaySeconds: 0 });
      continue;
    }
    const own: Delivered[] = [];
    const malformed: DeadLetter[] = [];
    for (const part of parts) {
      const read = readSettlementMessage(part.body);
      if (read.ok) {
        const { deliveries, ...task } = read.value;
        const body = part.body as SettlementMessage;
        own.push({ ...task, attempts: message.attempts + deliveries, message, body });
      } else {
        malformed.push(settlementDeadLetter(part, deps.queue, `malformed: ${read.error}`, now));
      }
    }
    try {
      for (const one of malformed) await deps.deadLetter(one);
    } catch {
      message.retry({ delaySeconds: pauseAfter(message.attempts) });
      continue;
    }
    if (own.length === 0) message.ack();
    delivered.push(...own);
  }
  return delivered;
};

/** Sends an account its results. @returns the reports, with whether the account stored them. */
const reportToAccount = async (
  deps: SettlementDeps,
  account: AccountId,
  reports: readonly Report[],
  now: Seconds,
): Promise<readonly StoredReport[]> => {
  // A queue may deliver twice: the account gets one result per call.
  const results = new Map<string, SettlementResult>();
  for (const { task, outcome } of reports) {
    if (outcome !== undefined) results.set(task.call, { call: task.call, ...outcome });
  }
  // Before it leaves an open payment to its account, the consumer wakes the object, which restores a lost alarm.
  const isLeft = reports.some((report) => !report.isFinal && isLeftToAccount(report, now));
  const stored =
    (results.size === 0 && !isLeft) || (await store(deps, account, [...results.values()]));
  return reports.map((report) => ({ ...report, stored }));
};

/** Acknowledges a message, retries it, or sends its open payments in a new message. */
const endMessage = async (
  { sendAgain }: SettlementDeps,
  reports: readonly StoredReport[],
  now: Seconds,
): Promise<void> => {
  const [first] = reports;
  if (first === undefined) return;
  const { message } = first.task;
  const open = reports.filter(
    (report) => !(report.stored && (report.isFinal || isLeftToAccount(report, now))),
  );
  if (open.length === 0) return message.ack();
  const delaySeconds = Math.min(...open.map((report) => delayOf(report, now)));
  if (open.length < reports.length) {
    try {
      await sendAgain(
        open.map(({ task }) => ({ ...task.body, deliveries: task.attempts })),
        delaySeconds,
      );
      return message.ack();
    } catch (cause) {
      console.error({ event: 'settlement_not_sent_again', cause: String(cause) });
    }
  }
  return message.retry({ delaySeconds });
};

const delayOf = ({ task, observation, presented, declined }: Report, now: Seconds): Seconds => {
  const pause = pauseAfter(task.attempts);
  const isBusy = presented === undefined && declined?.why === BUSY;
  const atLeast = presented === undefined ? pause : Math.max(pause, PRESENTED_PAUSE);
  return observation.kind === 'unused'
    ? untilDeadline(task.transfer.validBefore, isBusy ? Math.min(pause, BUSY_PAUSE) : atLeast, now)
    : atLeast;
};

/**
 * Whether an open payment is left to the account's next message: a backend has stored it and reports to the account itself, or its message
 * was delivered often enough.
 */
const isLeftToAccount = (report: Report, now: Seconds): boolean => {
  const { attempts, transfer } = report.task;
  return (
    (isHandedOver(report) || attempts >= MAX_ATTEMPTS) &&
    Math.abs(Number(transfer.validBefore) - now) > NEAR_DEADLINE
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

/** 2, 4, 8, … seconds, at most 20. */
const pauseAfter = (attempts: number): Seconds =>
  Math.min(LONGEST_PAUSE, 2 ** Math.min(Math.max(attempts, 1), 6));

/** The balance soon after the deadline decides between the payer's fault and ours, so no pause extends far beyond the deadline. */
const untilDeadline = (validBefore: bigint, pause: Seconds, now: Seconds): Seconds => {
  const remaining = Number(validBefore) - now;
  return remaining > 0 ? Math.min(pause, remaining + 2) : pause;
};
