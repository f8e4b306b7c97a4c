import type { Seconds } from '../core/clock.ts';
import { errorOf } from './backends/backend.ts';
import type { BackendHealth } from './backends/health.ts';
import type { Backends } from './backends/registry.ts';
import type { Attempt, Attempts } from './operator-tables.ts';
import { isHandedOver, type Report } from './conclude.ts';
import type { Emit } from './telemetry.ts';

/** A report, and whether its account has stored it. */
export type StoredReport = Report & { readonly stored: boolean };

type RecordDeps = {
  readonly attempts: Attempts;
  readonly backends: Backends;
  readonly recordHealth: (health: readonly BackendHealth[], now: Seconds) => Promise<void>;
  readonly emit: Emit;
};

/** The account sends its message again after this time. A payment that settles sooner was delivered once and never had a row. */
const FIRST_RESEND: Seconds = 15;
/** How long a round waits for D1: metrics may be late, payments may not. */
const PATIENCE_MS = 5_000;

/**
 * Records a round for operators: how payments ended, which payments take long and why, and the health of backends. Never throws, and
 * settlement does not depend on it.
 */
export const recordRound = async (
  deps: RecordDeps,
  reports: readonly StoredReport[],
  now: Seconds,
): Promise<void> => {
  const byCall = new Map(
    reports.map((report) => [`${report.task.account} ${report.task.call}`, report]),
  );
  const distinct = [...byCall.values()];
  for (const report of distinct) emitEnd(deps.emit, report, now);
  const written = Promise.allSettled([
    deps.attempts.record(distinct.flatMap((report) => attemptOf(report, now) ?? [])),
    deps.attempts.forget(
      distinct
        .filter((report) => hasObsoleteRows(report, now))
        .map(({ task: { account, call } }) => ({ account, call })),
    ),
    deps.recordHealth(deps.backends.health(), now),
  ]);
  const timeout = Promise.withResolvers<readonly []>();
  const timer = setTimeout(() => timeout.resolve([]), PATIENCE_MS);
  const results = await Promise.race([written, timeout.promise]);
  clearTimeout(timer);
  const failed = results.find(({ status }) => status === 'rejected');
  if (failed?.status === 'rejected') {
    console.error({ event: 'round_unrecorded', cause: String(failed.reason) });
  }
};

const emitEnd = (
  emit: Emit,
  { task, outcome, isFinal, stored }: StoredReport,
  now: Seconds,
): void => {
  if (!stored || !isFinal || outcome === undefined) return;
  if (outcome.outcome === 'sent' || outcome.outcome === 'bounced') return;
  emit({
    event: `payment_${outcome.outcome}`,
    network: task.network,
    amount: task.transfer.value,
    age: Math.max(0, now - task.acceptedAt),
  });
};

/** The row of an open payment; undefined at its first delivery, if nothing went wrong. */
const attemptOf = (report: StoredReport, now: Seconds): Attempt | undefined => {
  if (report.task.kind !== 'settle') return undefined;
  if (report.stored && (report.isFinal || isHandedOver(report))) return undefined;
  const { account, call, attempts } = report.task;
  const error = troubleOf(report);
  if (attempts < 2 && error === undefined) return undefined;
  const { backend } = report.presented ?? report.declined ?? {};
  return {
    account,
    call,
    attempts,
    at: now,
    ...(backend === undefined ? {} : { backend }),
    ...(error === undefined ? {} : { error }),
  };
};

const troubleOf = ({
  task,
  observation,
  presented,
  bounced,
  declined,
  stored,
}: StoredReport): string | undefined => {
  if (!stored) return 'account_unavailable';
  // The observation of our own node outweighs the answer of a backend.
  if (bounced !== undefined) return bounced === 'unfunded' ? bounced : `bounced_${bounced}`;
  if (presented !== undefined) {
    const error = errorOf(presented.answer);
    // A settlement that waits for its block is not a problem yet.
    return error === 'settlement_pending' && task.attempts < 2 ? undefined : error;
  }
  if (observation.kind === 'unknown') return 'chain_unreadable';
  if (observation.kind !== 'unused') return undefined;
  if (observation.balance < task.transfer.value) return 'unfunded';
  return declined?.why ?? 'no_backend';
};

/**
 * Whether the payment may have rows that are no longer needed: it has settled, or a backend that keeps payments has it. The rows of a
 * failed payment stay, because they show why it failed.
 */
const hasObsoleteRows = (report: StoredReport, now: Seconds): boolean => {
  const { attempts, acceptedAt, kind } = report.task;
  const isOver = report.outcome?.outcome === 'settled' || isHandedOver(report);
  if (kind !== 'settle' || !report.stored || !isOver) return false;
  return attempts > 1 || now >= acceptedAt + FIRST_RESEND;
};
