import type { Clock } from '../../core/clock.ts';
import type { Network } from '../../protocol/account-id.ts';
import type { Emit } from '../telemetry.ts';
import {
  type Backend,
  type BackendAnswer,
  blamesPayer,
  BUSY,
  CONNECTIONS,
  errorOf,
  INVOCATION_LOST,
  isInHand,
  type OpenContext,
  type PostAll,
  type Presentable,
  type PresentOptions,
  rejectsMark,
} from './backend.ts';
import { type Authorize, openCdpAuthorize } from './cdp-authorize.ts';
import type { CdpKey } from './cdp-token.ts';
import {
  postSettles,
  readSupported,
  settleUrl,
  type Supported,
  supportedUrl,
} from './facilitator-api.ts';
import type { Health } from './health.ts';
import { type Limiter, openLimiter } from './limiter.ts';

/** An x402 facilitator as `FACILITATORS` configures it. */
export type Facilitator = {
  /** Base URL, to which `/settle` and `/supported` are appended. */
  readonly url: string;
  /** Networks for which it is used; absent: those that its `/supported` lists. */
  readonly networks?: readonly Network[];
  /** `cdp`: each request carries a short-lived JWT signed with `CDP_API_KEY_SECRET`. */
  readonly auth: 'none' | 'cdp';
  /** Requests at once, per isolate. */
  readonly concurrency: number;
  /** Requests a second, per isolate; absent: no limit but `concurrency`. */
  readonly perSecond?: number;
  /** The fee per transaction, in atomic units of the token. Only the ledger totals use it. */
  readonly fee: bigint;
};

export type FacilitatorSettings = {
  readonly networks: readonly Network[];
  /** In the order in which they are tried. */
  readonly facilitators: readonly Facilitator[];
  readonly cdpKey: CdpKey | undefined;
};

/** A facilitator's rank: after a relayer with `"first": true`, before every other relayer. */
const RANK = 1;
/** A facilitator waits for the receipt, a busy one longer. */
const TIMEOUT_MS = 30_000;
/** A probe must not delay the other payments of a round, nor a waiting caller, for the full timeout. */
const PROBE_MS = { queue: 15_000, request: 10_000 } as const;
/** With less time the attempt would be pointless, and the timeout the gateway's fault. */
const MIN_MS = 5_000;

/** Opens a backend for each facilitator and network that it is used for. */
export const openFacilitators = (
  { networks, facilitators, cdpKey }: FacilitatorSettings,
  { clock, emit, openHealth }: OpenContext,
): readonly Backend[] => {
  const authorizeCdp = openCdpAuthorize(cdpKey, clock);
  const names = namesOf(facilitators);
  return facilitators.flatMap((facilitator, at) => {
    const { url, concurrency, auth } = facilitator;
    const name = names[at] ?? '';
    const authorize: Authorize = auth === 'cdp' ? authorizeCdp : async () => ({});
    // One limiter and one list for all networks of the facilitator.
    const limiter = openLimiter(facilitator, clock);
    const list = openSupportList(url, authorize, clock);
    const own = networks.filter((network) => facilitator.networks?.includes(network) ?? true);
    return own.map((network): Backend => {
      const health = openHealth(network, name);
      const context = { name, network, url, concurrency, authorize, limiter, health, clock, emit };
      return {
        name,
        network,
        rank: RANK,
        width: concurrency,
        usesConnections: true,
        keepsPayments: false,
        health,
        takes: () => true,
        supportsNetwork: () => facilitator.networks !== undefined || list.has(network),
        refresh: async () => (facilitator.networks === undefined ? list.refresh() : undefined),
        present: async (payments, options) => presentEach(context, payments, options),
      };
    });
  });
};

/** Finds the facilitators that do not answer `/supported` now, with each network that uses them. Waits at most two seconds for each. */
export const silentFacilitators = async (
  { networks, facilitators, cdpKey }: FacilitatorSettings,
  clock: Clock,
): Promise<readonly { readonly network: Network; readonly backend: string }[]> => {
  const authorizeCdp = openCdpAuthorize(cdpKey, clock);
  const names = namesOf(facilitators);
  const silent: { readonly network: Network; readonly backend: string }[] = [];
  for (const [at, { url, auth, networks: own = networks }] of facilitators.entries()) {
    const headers = auth === 'cdp' ? await authorizeCdp('GET', supportedUrl(url)) : {};
    if (headers !== undefined && (await readSupported(url, headers)) !== undefined) continue;
    const used = networks.filter((network) => own.includes(network));
    silent.push(...used.map((network) => ({ network, backend: names[at] ?? '' })));
  }
  return silent;
};

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

const presentEach = async (
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

const LIST_KEPT_MS = 600_000;
const FAILURE_KEPT_MS = 60_000;

/** The networks in a facilitator's `/supported`. Until the list has been read, every network counts as supported. */
const openSupportList = (url: string, authorize: Authorize, clock: Clock) => {
  let supported: Supported | undefined;
  let until = 0;
  return {
    has: (network: Network): boolean => supported?.has(network) ?? true,
    refresh: async (): Promise<void> => {
      if (clock.now() < until) return;
      // Set before the request: other requests of this isolate continue without waiting for it.
      until = clock.now() + FAILURE_KEPT_MS;
      const headers = await authorize('GET', supportedUrl(url));
      supported = headers === undefined ? undefined : await readSupported(url, headers);
      if (supported !== undefined) until = clock.now() + LIST_KEPT_MS;
    },
  };
};

/** Names facilitators by host. Several at one host are numbered, because a path may contain a key. */
const namesOf = (facilitators: readonly Facilitator[]): readonly string[] => {
  const counts = new Map<string, number>();
  return facilitators.map(({ url }) => {
    const { host } = new URL(url);
    const count = (counts.get(host) ?? 0) + 1;
    counts.set(host, count);
    return count === 1 ? host : `${host}#${count}`;
  });
};
