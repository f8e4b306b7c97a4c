import type { Seconds } from '../core/clock.ts';
import type { Attempt, Attempts } from './operator-tables.ts';
import { errorOf } from './backends/backend-answer.ts';
import type { BackendHealth } from './backends/backend.ts';
import type { Backends } from './backends/registry.ts';
import { isHandedOver, type Report } from './report.ts';
import type { Observe } from './telemetry.ts';

/** A report, and whether its account has stored it. */
export type Told = Report & { readonly stored: boolean };

type TroubleDeps = {
  readonly attempts: Attempts;
  readonly backends: Backends;
  readonly recordHealth: (health: readonly BackendHealth[], now: Seconds) => Promise<void>;
  readonly observe: Observe;
};

/** The account sends its message again after this long: a payment that ends sooner was delivered once, and nothing is written of it. */
const FIRST_RESEND: Seconds = 15;
/** Operators may wait for what they see, payments may not. */
const PATIENCE_MS = 5_000;

/**
 * Tells operators what came of a round: how payments ended, which ones take long and why, and how backends do. Never throws, and
 * settlement does not depend on it.
 */
export const noteTrouble = async (
  deps: TroubleDeps,
  reports: readonly Told[],
  now: Seconds,
): Promise<void> => {
  const calls = new Map(
    reports.map((report) => [`${report.task.account} ${report.task.call}`, report]),
  );
  const each = [...calls.values()];
  for (const report of each) tell(deps.observe, report, now);
  const written = Promise.allSettled([
    deps.attempts.record(each.flatMap((report) => attemptOf(report, now) ?? [])),
    deps.attempts.forget(
      each
        .filter((report) => isOver(report, now))
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
    console.error({ event: 'trouble_unrecorded', cause: String(failed.reason) });
  }
};

const tell = (observe: Observe, { task, outcome, isFinal, stored }: Told, now: Seconds): void => {
  if (!stored || !isFinal || outcome === undefined) return;
  if (outcome.outcome === 'sent' || outcome.outcome === 'bounced') return;
  const { network, look, acceptedAt } = task;
  observe({
    event: `payment_${outcome.outcome}`,
    network,
    amount: look.value,
    ...(acceptedAt === undefined ? {} : { age: Math.max(0, now - acceptedAt) }),
  });
};

/** What is to be seen of an open payment: nothing at its first delivery, if nothing went wrong. */
const attemptOf = (report: Told, now: Seconds): Attempt | undefined => {
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
  view,
  presented,
  bounced,
  declined,
  stored,
}: Told): string | undefined => {
  if (!stored) return 'account_unavailable';
  // What our own node says stands above what a backend said of it.
  if (bounced !== undefined) return bounced === 'unfunded' ? bounced : `bounced_${bounced}`;
  if (presented !== undefined) {
    const error = errorOf(presented.said);
    // That it takes a block is no trouble yet.
    return error === 'settlement_pending' && task.attempts < 2 ? undefined : error;
  }
  if (view.view === 'unknown') return 'chain_unreadable';
  if (view.view !== 'unused') return undefined;
  if (view.balance < task.look.value) return 'unfunded';
  return declined?.why ?? 'no_backend';
};

/** Whether a row may be there that is not needed any more. What our relayer holds is no trouble, and ends without us. */
const isOver = (report: Told, now: Seconds): boolean => {
  const { attempts, acceptedAt, kind } = report.task;
  if (kind !== 'settle' || !report.stored || !(report.isFinal || isHandedOver(report)))
    return false;
  return attempts > 1 || acceptedAt === undefined || now >= acceptedAt + FIRST_RESEND;
};
