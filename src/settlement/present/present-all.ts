import { type Clock, type Seconds, SYSTEM_CLOCK } from '../../core/clock.ts';
import type { Network } from '../../protocol/account-id.ts';
import {
  type Backend,
  type BackendAnswer,
  blamesPayer,
  CONNECTIONS,
  errorOf,
  healthSignalOf,
  type Invocations,
  isInHand,
  type Presentable,
  type PresentOptions,
} from '../backends/backend.ts';
import type { Backends } from '../backends/registry.ts';
import { isOnChain, type Observation } from '../chain/observation.ts';
import { conclude } from '../conclude.ts';
import { assign, type OpenPayment } from './assign.ts';
import { checkClaimed, mayPresent, notePresented, type Presentations } from './presentations.ts';
import { paymentKey, type SettlementTask, type TaskResult, type WithAttempts } from './task.ts';

type Task = SettlementTask & WithAttempts;

/** The payments of one network in one round. */
type Round = {
  readonly backends: Backends;
  readonly presentations: Presentations;
  readonly clock?: Clock;
  readonly network: Network;
  readonly now: Seconds;
  /** Milliseconds of the clock. */
  readonly endBy: number;
  /** How many connections may be used at once. */
  readonly connections: number;
  readonly invocations?: Invocations;
  readonly observe: (tasks: readonly SettlementTask[]) => Promise<readonly Observation[]>;
};

/** The result of a payment that was presented. */
export type PresentResult = Omit<TaskResult<Task>, 'task'>;

type PresentableTask = Pick<OpenPayment, 'task' | 'observation'>;

/** A wave presents each payment to one new backend, so waves always end; this limit ends them sooner if backends are probed one by one. */
const MAX_WAVES = 8;
/** How long a backend may start presentations while another backend waits. */
const WAVE_MS = 12_000;
/** One block of a rollup. */
const BLOCK_MS = 2_000;
const WAIT_MS = { others: 2_000, alone: 10_000 } as const;

/** Whether a payment is certainly unused, owed, still valid and covered: presenting any other payment could only burn gas. */
export const isPresentable = <T extends Task>(
  result: TaskResult<T>,
  now: Seconds,
): result is TaskResult<T> & PresentableTask => {
  const { task, observation } = result;
  return (
    task.kind === 'settle' &&
    observation.kind === 'unused' &&
    conclude('settle', task.transfer, observation) === undefined &&
    BigInt(now) < task.transfer.validBefore &&
    observation.balance >= task.transfer.value
  );
};

/**
 * Presents payments of one network in waves: each payment to the first backend, and if that backend did not take it, to the next, until no
 * backend remains.
 *
 * Race: a backend that did not answer, or answered 500, may have broadcast the payment. So between two backends the chain is always
 * observed, and a payment that the chain shows is not presented again (law 5).
 */
export const presentAll = async (
  round: Round,
  payments: readonly PresentableTask[],
): Promise<ReadonlyMap<string, PresentResult>> => {
  const clock = round.clock ?? SYSTEM_CLOCK;
  const results = new Map<string, PresentResult>();
  let open: readonly OpenPayment[] = withoutTwins(payments).filter(({ task, observation }) =>
    mayPresent(round.presentations, paymentKey(task), observation.headBlock, round.now),
  );
  for (let waves = 0; waves < MAX_WAVES && open.length > 0; waves += 1) {
    if (clock.now() >= round.endBy) break;
    const groups = assign(
      open,
      ({ payer, facilitator }) => round.backends.for(round.network, payer, facilitator),
      round.presentations,
      requestsAtOnce(round),
      round.now,
    );
    if (groups.size === 0) break;
    const connections = shareOf(round.connections, [...groups.keys()]);
    const presented = await Promise.all(
      [...groups].map(async ([backend, own]) => {
        const options = {
          ...optionsFor(round, backend, clock.now()),
          connections,
          ...(round.invocations === undefined ? {} : { invocations: round.invocations }),
        };
        const answers = await backend.present(own.map(presentableOf), options);
        return own.map((one, at) => ({ one, backend, answer: answers[at] ?? NO_ANSWER }));
      }),
    );
    open = await afterWave(round, open, presented.flat(), results);
  }
  return results;
};

/** How many requests may be open at once, in this invocation or in further ones. */
const requestsAtOnce = ({ connections, invocations }: Round): number =>
  Math.max(connections, CONNECTIONS * (invocations?.remaining() ?? 0));

/** The connections of each backend in a wave: a slow backend must not make another one time out. */
const shareOf = (connections: number, backends: readonly Backend[]): number => {
  const users = backends.filter(({ usesConnections }) => usesConnections).length;
  return Math.max(1, Math.floor(connections / Math.max(1, users)));
};

const NO_ANSWER: BackendAnswer = { kind: 'unreachable', why: 'no_answer' };

type Presented = {
  readonly one: OpenPayment;
  readonly backend: Backend;
  readonly answer: BackendAnswer;
};

/** Observes what may have moved, records the backends' health, and returns the payments for the next wave. */
const afterWave = async (
  round: Round,
  open: readonly OpenPayment[],
  presented: readonly Presented[],
  results: Map<string, PresentResult>,
): Promise<readonly OpenPayment[]> => {
  const moved = presented.filter(
    ({ answer }) => answer.kind !== 'declined' && answer.kind !== 'taken',
  );
  // A backend that failed after broadcasting shows nothing yet: waiting for one block is cheaper than a second transaction.
  if (moved.some(({ answer }) => mayBeBroadcast(answer))) {
    await (round.clock ?? SYSTEM_CLOCK).sleep(BLOCK_MS);
  }
  const observations = await round.observe(moved.map(({ one }) => one.task));
  const observed = new Map(moved.map(({ one }, at) => [one, observations[at]]));
  const next = new Map<OpenPayment, OpenPayment | undefined>();
  for (const one of presented) {
    const observation = observed.get(one.one) ?? one.one.observation;
    next.set(one.one, afterAnswer(round, one, observation, results));
  }
  return open.flatMap((one) => (next.has(one) ? (next.get(one) ?? []) : one));
};

/** Notes one answer. @returns the payment if the next backend should get it. */
const afterAnswer = (
  { presentations, now }: Round,
  { one, backend, answer }: Presented,
  observation: Observation,
  results: Map<string, PresentResult>,
): OpenPayment | undefined => {
  const { task } = one;
  const key = paymentKey(task);
  const tried = new Set([...one.tried, backend]);
  if (answer.kind === 'declined') {
    const declined = { backend: backend.name, why: answer.why };
    results.set(key, { ...(results.get(key) ?? { observation }), declined });
    return { ...one, tried };
  }
  results.set(key, { observation, presented: { backend: backend.name, answer } });
  if (isInHand(answer) && !isOnChain(observation)) {
    const presentation = { block: one.observation.headBlock, at: now, by: backend };
    const claimed =
      answer.kind === 'claimed_success'
        ? { ...presentation, transaction: answer.transaction }
        : undefined;
    notePresented(presentations, key, { ...presentation, claimed });
  }
  checkClaimed(presentations, key, observation, backend);
  // A backend that stored the payment and now refuses it no longer keeps it. Without this, no other backend would ever get the payment.
  const isGivenUp = backend.keepsPayments && answer.kind === 'claimed_failure';
  if (isGivenUp || isOnChain(observation)) presentations.delete(key);
  // The backend itself has recorded the answers that give no information about the chain.
  if (answer.kind !== 'unreachable' && answer.kind !== 'taken') {
    backend.health.record(healthSignalOf(answer, task.payment, observation), errorOf(answer));
  }
  if (isInHand(answer) || blamesPayer(answer, task.payment)) return undefined;
  return observation.kind === 'unused' ? { task, observation, tried } : undefined;
};

/** No answer, so soon that a broadcast transaction could not be on the chain yet. */
const mayBeBroadcast = (answer: BackendAnswer): boolean =>
  answer.kind === 'unreachable' &&
  !['timeout', 'credential', 'status_429', 'unavailable'].includes(answer.why);

/** A queue may deliver a payment twice in one batch: each payment once. */
const withoutTwins = (payments: readonly PresentableTask[]): readonly OpenPayment[] => {
  const keys = new Set<string>();
  return payments.flatMap(({ task, observation }) => {
    const key = paymentKey(task);
    if (keys.has(key)) return [];
    keys.add(key);
    return { task, observation, tried: new Set<Backend>() };
  });
};

const optionsFor = (
  { backends, network, endBy }: Round,
  backend: Backend,
  now: number,
): PresentOptions => {
  const hasOthers = backends.for(network).some((one) => one !== backend);
  return {
    waitMs: hasOthers ? WAIT_MS.others : WAIT_MS.alone,
    startBy: hasOthers ? now + WAVE_MS : endBy,
    endBy,
    source: 'queue',
  };
};

const presentableOf = ({
  task: { account, call, payment, transfer },
}: OpenPayment): Presentable => ({ account, call, payment, sinceBlock: transfer.sinceBlock });
