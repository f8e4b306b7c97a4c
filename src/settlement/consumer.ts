import type { Seconds } from '../core/clock.ts';
import { err, ok, type Result } from '../core/result.ts';
import { type AccountId, chainIdOf, type Network, parseAccountId } from '../protocol/account-id.ts';
import type { Acknowledged } from '../protocol/account/rpc.ts';
import { parseAmount } from '../protocol/amount.ts';
import type { SettlementResult } from '../protocol/payment.ts';
import type { BackendHealth } from './backends/health.ts';
import { expectedTransfer } from './chain/expected-transfer.ts';
import { type Delivered, isHandedOver, type Report, reportOf } from './conclude.ts';
import { type DeadLetter, type QueueMessage, settlementDeadLetter } from './dead-letter.ts';
import type { Attempts } from './operator-tables.ts';
import { type RoundDeps, settleRound } from './present/round.ts';
import type { SettlementTask } from './present/task.ts';
import { recordRound, type StoredReport } from './round-record.ts';
import type { Emit } from './telemetry.ts';
import * as z from 'zod/mini';

/** The queue's name in dead letters. */
const QUEUE = 'countersign-settlement';
const LONGEST_PAUSE: Seconds = 60;
/** Deliveries of one message, in about three minutes. The account sends another message every five minutes until the payment ends. */
const MAX_ATTEMPTS = 8;
/**
 * Near the deadline of a payment its message is retried at once: the balance at that moment decides whether payer or gateway is at fault.
 */
const NEAR_DEADLINE: Seconds = 300;
/** After a presentation: two blocks of a rollup pass before the next observation. */
const PRESENTED_PAUSE: Seconds = 4;

export type SettlementDeps = RoundDeps & {
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
  readonly emit: Emit;
};

/**
 * Consumes a batch of the settlement queue: one round over all its payments, then each account gets the results of its calls.
 *
 * A message is acknowledged only after its account has stored a final result, or a backend has stored the payment, or it was delivered
 * `MAX_ATTEMPTS` times; every other message is retried, later each time. Acknowledging an open payment is safe: the account keeps it open
 * and sends another message (law 5). So the messages of waiting payments do not multiply until they fill the dead-letter queue.
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
  await recordRound(deps, reports.flat(), now);
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
      await deps.deadLetter(settlementDeadLetter(message, QUEUE, `malformed: ${read.error}`, now));
      message.ack();
    } catch {
      message.retry({ delaySeconds: pauseAfter(attempts) });
    }
  }
  return delivered;
};

/** Sends an account its results and acknowledges or retries the messages. @returns the reports, with whether the account stored them. */
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
  for (const report of reports) {
    const { task, observation, presented, isFinal } = report;
    if (stored && (isFinal || isLeftToAccount(report, now))) {
      task.message.ack();
      continue;
    }
    const pause = pauseAfter(task.attempts);
    const atLeast = presented === undefined ? pause : Math.max(pause, PRESENTED_PAUSE);
    const delaySeconds =
      observation.kind === 'unused'
        ? untilDeadline(task.transfer.validBefore, atLeast, now)
        : atLeast;
    task.message.retry({ delaySeconds });
  }
  return reports.map((report) => ({ ...report, stored }));
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

/** 2, 4, 8, … seconds, at most 60. */
const pauseAfter = (attempts: number): Seconds =>
  Math.min(LONGEST_PAUSE, 2 ** Math.min(Math.max(attempts, 1), 6));

/** The balance soon after the deadline decides between the payer's fault and ours, so no pause extends far beyond the deadline. */
const untilDeadline = (validBefore: bigint, pause: Seconds, now: Seconds): Seconds => {
  const remaining = Number(validBefore) - now;
  return remaining > 0 ? Math.min(pause, remaining + 2) : pause;
};

const lowercase = (pattern: RegExp) =>
  z.pipe(
    z.string().check(z.regex(pattern)),
    z.transform((text: string) => text as `0x${string}`),
  );
const address = lowercase(/^0x[0-9a-f]{40}$/);
const word = lowercase(/^0x[0-9a-f]{64}$/);
/** At most 4 KiB: more than any contract signature that fits into a payment header. */
const signature = lowercase(/^0x(?:[0-9a-fA-F]{2}){1,4096}$/);
const network = z.pipe(
  z.string().check(z.refine((text) => chainIdOf(text) !== undefined)),
  z.transform((text: string) => text as Network),
);
const account = z.pipe(
  z.string().check(z.refine((text) => parseAccountId(text) !== undefined)),
  z.transform((text: string) => text as AccountId),
);
const amount = z.pipe(
  z.string().check(z.refine((text) => parseAmount(text) !== undefined)),
  z.transform((text: string) => BigInt(text)),
);
const whole = z.int().check(z.nonnegative());
const name = z.string().check(z.minLength(1), z.maxLength(64));

const common = {
  v: z.literal(1),
  account,
  call: word,
  token: z.strictObject({ network, address, name, version: name }),
  authorization: z.strictObject({
    from: address,
    to: address,
    value: amount,
    validAfter: amount,
    validBefore: amount,
    nonce: word,
  }),
  maxTimeoutSeconds: whole,
  sinceBlock: whole,
  acceptedAt: whole,
};

const messageSchema = z.discriminatedUnion('kind', [
  z.strictObject({ ...common, kind: z.literal('settle'), signature }),
  z.strictObject({ ...common, kind: z.literal('look'), signature: z.optional(signature) }),
]);

/**
 * Reads a `SettlementMessage`. Strict, although our own account wrote it: a message that is only half understood must not be settled.
 *
 * @returns the task, or the path of the first wrong field.
 */
export const readSettlementMessage = (body: unknown): Result<SettlementTask, string> => {
  const parsed = messageSchema.safeParse(body);
  if (!parsed.success) return err(parsed.error.issues[0]?.path.join('.') || 'message');
  const { account: owner, call, token, authorization, maxTimeoutSeconds, acceptedAt } = parsed.data;
  const transfer = expectedTransfer({ token, authorization }, parsed.data.sinceBlock);
  const task = { account: owner, call, network: token.network, transfer, acceptedAt };
  if (parsed.data.kind === 'look') return ok({ ...task, kind: 'look' });
  const { signature: signed } = parsed.data;
  const payment = { token, authorization, signature: signed, maxTimeoutSeconds };
  return ok({ ...task, kind: 'settle', payment });
};
