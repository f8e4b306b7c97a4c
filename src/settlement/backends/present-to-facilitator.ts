import type { Clock } from '../../core/clock.ts';
import type { Network } from '../../protocol/account-id.ts';
import type { Emit } from '../telemetry.ts';
import {
  type BackendAnswer,
  blamesPayer,
  BUSY,
  CONNECTIONS,
  errorOf,
  INVOCATION_LOST,
  isInHand,
  type PostAll,
  type Presentable,
  type PresentOptions,
  rejectsMark,
} from './backend.ts';
import type { Authorize } from './cdp-authorize.ts';
import { postSettles, settleUrl } from './facilitator-api.ts';
import type { Health } from './health.ts';
import type { Limiter } from './limiter.ts';

/** A facilitator waits for the receipt, a busy one longer. */
const TIMEOUT_MS = 30_000;
/** A probe must not delay the other payments of a round, nor a waiting caller, for the full timeout. */
const PROBE_MS = { queue: 15_000, request: 10_000 } as const;
/** With less time the attempt would be pointless, and the timeout the gateway's fault. */
const MIN_MS = 5_000;

type Context = {
  readonly name: string;
  readonly network: Network;
  readonly url: string;
  readonly concurrency: number;
  readonly authorize: Authorize;
  readonly limiter: Limiter;
  readonly health: Health;
  readonly clock: Clock;
  readonly emit: Emit;
};

/** Presents payments to one facilitator, as many at once as its limits allow. The answers are in the order of the payments. */
export const presentEach = async (
  context: Context,
  payments: readonly Presentable[],
  options: PresentOptions,
): Promise<readonly BackendAnswer[]> => {
  const { health, concurrency } = context;
  const answers = payments.map((): BackendAnswer => ({ kind: 'declined', why: 'circuit_open' }));
  const availability = health.availability();
  if (availability === 'down') return answers;
  if (availability === 'probe') {
    const first = payments[0];
    health.probe();
    if (first !== undefined) answers[0] = await presentProbe(context, first, options);
    return answers;
  }
  const queue = payments.map((payment, at) => ({ at, payment }));
  const work = async (lane: Lane): Promise<void> => {
    for (let hasMore = true; hasMore && health.availability() === 'up';) {
      hasMore = await presentNext(context, lane, queue, answers, options);
    }
  };
  const { connections = CONNECTIONS, invocations } = options;
  const atOnce = Math.min(concurrency, payments.length);
  if (invocations !== undefined && atOnce > connections) {
    const lanes = Math.min(Math.ceil(atOnce / CONNECTIONS), invocations.remaining());
    // Sends each group in an invocation of its own, which has as many connections as this one.
    const lane: Lane = { width: CONNECTIONS, next: invocations.take };
    await Promise.all(Array.from({ length: lanes }, async () => work(lane)));
  }
  if (!(atOnce > connections && (invocations?.remaining() ?? 0) > 0)) {
    const length = Math.min(connections, concurrency, queue.length);
    // Once the invocations are used up, each connection is used once: the rest would take minutes, and the next batch has invocations.
    const direct = async (): Promise<unknown> =>
      invocations?.isUsedUp() === true
        ? presentNext(context, DIRECT, queue, answers, options)
        : work(DIRECT);
    await Promise.all(Array.from({ length }, direct));
  }
  if (health.availability() === 'up') for (const { at } of queue) answers[at] = NO_PLACE;
  return answers;
};

const NO_PLACE: BackendAnswer = { kind: 'declined', why: BUSY };

/** Sends the requests of one facilitator, group after group. */
type Lane = {
  /** Requests in a group, at most. */
  readonly width: number;
  /** How the next group is sent; undefined if no invocation remains. */
  readonly next: () => PostAll | undefined;
};

/** One request at a time, over a connection of this invocation. */
const DIRECT: Lane = { width: 1, next: () => postSettles };

type Queued = { readonly at: number; readonly payment: Presentable };

/**
 * Takes a place, and only then the next payment: however long the wait was, the most urgent payment goes first. A group takes further
 * places that are free now. The places are those of this isolate, wherever the requests are sent. @returns false if the lane ends.
 */
const presentNext = async (
  context: Context,
  lane: Lane,
  queue: Queued[],
  answers: BackendAnswer[],
  { waitMs, startBy, endBy }: PresentOptions,
): Promise<boolean> => {
  const { limiter, health, clock } = context;
  const place = await limiter.enter(waitMs, TIMEOUT_MS + MIN_MS);
  if (place === undefined) return false;
  const places = [place];
  try {
    while (places.length < Math.min(lane.width, queue.length)) {
      const another = await limiter.enter(0, TIMEOUT_MS + MIN_MS);
      if (another === undefined) break;
      places.push(another);
    }
    // During the wait another presentation may have opened the circuit.
    if (health.availability() !== 'up' || queue.length === 0) return false;
    if (clock.now() > Math.min(startBy, endBy - MIN_MS)) return false;
    const postAll = lane.next();
    if (postAll === undefined) return false;
    const group = queue.splice(0, places.length);
    const timeoutMs = Math.min(TIMEOUT_MS, endBy - clock.now());
    const given = await presentGroup(
      context,
      group.map(({ payment }) => payment),
      timeoutMs,
      postAll,
    );
    for (const [index, { at }] of group.entries()) answers[at] = given[index] as BackendAnswer;
    return true;
  } finally {
    for (const one of places) one.leave();
  }
};

const presentProbe = async (
  context: Context,
  payment: Presentable,
  { waitMs, endBy, source }: PresentOptions,
): Promise<BackendAnswer> => {
  const { limiter, health, clock } = context;
  const most = PROBE_MS[source];
  const place = await limiter.enter(waitMs, most + MIN_MS);
  if (place === undefined) {
    health.record('undecided');
    return NO_PLACE;
  }
  try {
    const timeoutMs = Math.max(MIN_MS, Math.min(most, endBy - clock.now()));
    const answers = await presentGroup(context, [payment], timeoutMs, postSettles);
    return answers[0] as BackendAnswer;
  } finally {
    place.leave();
  }
};

const NO_CREDENTIAL: BackendAnswer = { kind: 'unreachable', why: 'credential' };

/** Presents payments, all at once, and notes what the answers say about the facilitator. */
const presentGroup = async (
  context: Context,
  payments: readonly Presentable[],
  timeoutMs: number,
  postAll: PostAll,
): Promise<readonly BackendAnswer[]> => {
  const { url, authorize, clock } = context;
  const from = clock.now();
  const headers = await Promise.all(payments.map(async () => authorize('POST', settleUrl(url))));
  const requests = payments.flatMap(({ payment }, at) => {
    const own = headers[at];
    return own === undefined ? [] : { url, headers: own, payment, timeoutMs };
  });
  const posted = (await postAll(requests)).values();
  return payments.map(({ payment }, at) => {
    const answer = (headers[at] && posted.next().value) ?? NO_CREDENTIAL;
    return noteAnswer(context, payment, answer, clock.now() - from);
  });
};

const noteAnswer = (
  { name, network, health, emit }: Context,
  payment: Presentable['payment'],
  answer: BackendAnswer,
  milliseconds: number,
): BackendAnswer => {
  const error = errorOf(answer);
  emit({
    event: 'backend_answered',
    network,
    backend: name,
    ok: isInHand(answer) || blamesPayer(answer, payment),
    milliseconds,
    ...(error === undefined ? {} : { error }),
  });
  if (rejectsMark(answer, payment)) {
    emit({ event: 'backend_rejects_bound', network, backend: name, error: error ?? '' });
  }
  if (answer.kind === 'unreachable' && answer.why !== INVOCATION_LOST) {
    health.record('fault', error, answer.retryAfter);
  }
  return answer;
};
