import type { Clock } from '../../core/clock.ts';
import type { Network } from '../../protocol/account-id.ts';
import type { Emit } from '../telemetry.ts';
import {
  type Backend,
  type BackendAnswer,
  blamesPayer,
  CONNECTIONS,
  errorOf,
  isInHand,
  type OpenContext,
  type Presentable,
  type PresentOptions,
  rejectsMark,
} from './backend.ts';
import { type Authorize, type CdpKey, openCdpAuthorize } from './cdp-token.ts';
import {
  postSettle,
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
  /** Networks that it is used for; absent: those that its `/supported` lists. */
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
/** With less time the attempt would be meaningless, and the timeout our fault. */
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
        width: Math.min(CONNECTIONS, concurrency),
        usesConnections: true,
        keepsPayments: false,
        health,
        supportsNetwork: () => facilitator.networks !== undefined || list.has(network),
        refresh: async () => (facilitator.networks === undefined ? list.refresh() : undefined),
        present: async (payments, options) => presentEach(context, payments, options),
      };
    });
  });
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
  const queue = payments.entries();
  const work = async (): Promise<void> => {
    for (let hasMore = true; hasMore && health.availability() === 'up';) {
      hasMore = await presentNext(context, queue, answers, options);
    }
  };
  const { connections = CONNECTIONS } = options;
  const length = Math.min(connections, concurrency, payments.length);
  await Promise.all(Array.from({ length }, work));
  return answers;
};

/** Takes a place, and only then the next payment: however long the wait was, the most urgent payment goes first. False if none remains. */
const presentNext = async (
  context: Context,
  queue: Iterator<[number, Presentable]>,
  answers: BackendAnswer[],
  { waitMs, startBy, endBy }: PresentOptions,
): Promise<boolean> => {
  const { limiter, health, clock } = context;
  const place = await limiter.enter(waitMs, TIMEOUT_MS + MIN_MS);
  if (place === undefined) return false;
  try {
    // During the wait another presentation may have opened the circuit.
    if (health.availability() !== 'up') return false;
    if (clock.now() > Math.min(startBy, endBy - MIN_MS)) return false;
    const next = queue.next();
    if (next.done === true) return false;
    const [at, payment] = next.value;
    const timeoutMs = Math.min(TIMEOUT_MS, endBy - clock.now());
    answers[at] = await presentOne(context, payment, timeoutMs);
    return true;
  } finally {
    place.leave();
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
    return { kind: 'declined', why: 'busy' };
  }
  try {
    const timeoutMs = Math.max(MIN_MS, Math.min(most, endBy - clock.now()));
    return await presentOne(context, payment, timeoutMs);
  } finally {
    place.leave();
  }
};

const presentOne = async (
  { name, network, url, authorize, health, clock, emit }: Context,
  { payment }: Presentable,
  timeoutMs: number,
): Promise<BackendAnswer> => {
  const from = clock.now();
  const headers = await authorize('POST', settleUrl(url));
  const answer: BackendAnswer =
    headers === undefined
      ? { kind: 'unreachable', why: 'credential' }
      : await postSettle({ url, headers }, payment, timeoutMs);
  const error = errorOf(answer);
  emit({
    event: 'backend_answered',
    network,
    backend: name,
    ok: isInHand(answer) || blamesPayer(answer, payment),
    milliseconds: clock.now() - from,
    ...(error === undefined ? {} : { error }),
  });
  if (rejectsMark(answer, payment)) {
    emit({ event: 'backend_rejects_bound', network, backend: name, error: error ?? '' });
  }
  if (answer.kind === 'unreachable') health.record('fault', error, answer.retryAfter);
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
