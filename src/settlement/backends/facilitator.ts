import type { Network } from '../../protocol/account-id.ts';
import { present, settleUrl } from './facilitator-api.ts';
import type { Observe } from '../telemetry.ts';
import { type Backend, CONNECTIONS, type Patience } from './backend.ts';
import type { Clock } from './clock.ts';
import type { Health } from './health.ts';
import type { Limiter } from './limiter.ts';
import {
  errorOf,
  isInHand,
  isPayersFault,
  type Presentable,
  type Presented,
  rejectsMark,
} from './backend-answer.ts';

/** Headers that let us in at a URL, or undefined where the key for it cannot be read. */
export type Authorize = (
  method: 'GET' | 'POST',
  url: string,
) => Promise<Readonly<Record<string, string>> | undefined>;

/** A facilitator waits for the receipt; a busy one longer. */
const TIMEOUT_MS = 30_000;
/** Who is being tried after a pause must not keep the others of a round waiting that long, nor a caller at all. */
const PROBE_MS = { queue: 15_000, request: 10_000 } as const;
/** Less time is no trial, and a timeout would be our fault. */
const LEAST_MS = 5_000;

export type FacilitatorDeps = {
  readonly url: string;
  readonly concurrency: number;
  readonly authorize: Authorize;
  /** Shared by all networks of the facilitator. */
  readonly limiter: Limiter;
  readonly health: Health;
  readonly clock: Clock;
  readonly observe: Observe;
};

/** A facilitator on a network, as a backend: one payment a request. */
export const facilitatorBackend = (
  name: string,
  network: Network,
  deps: FacilitatorDeps,
): Backend => ({
  name,
  network,
  width: Math.min(CONNECTIONS, deps.concurrency),
  standing: deps.health.standing,
  learn: (lesson, error) => deps.health.learn(lesson, error),
  present: async (payments, patience) => {
    const said = payments.map((): Presented => ({ kind: 'declined', why: 'circuit_open' }));
    const standing = deps.health.standing();
    if (standing === 'down') return said;
    if (standing === 'probe') {
      const first = payments[0];
      deps.health.probe();
      if (first !== undefined) said[0] = await tryOut(name, network, deps, first, patience);
      return said;
    }
    const queue = payments.entries();
    const work = async (): Promise<void> => {
      for (let left = true; left && deps.health.standing() === 'up';) {
        left = await presentNext(name, network, deps, queue, said, patience);
      }
    };
    const { connections = CONNECTIONS } = patience;
    const length = Math.min(connections, deps.concurrency, payments.length);
    await Promise.all(Array.from({ length }, work));
    return said;
  },
});

/** Takes a place and then the next payment: the most urgent one goes first, however long the wait was. False when that is all. */
const presentNext = async (
  name: string,
  network: Network,
  deps: FacilitatorDeps,
  queue: Iterator<[number, Presentable]>,
  said: Presented[],
  patience: Patience,
): Promise<boolean> => {
  const { limiter, clock } = deps;
  const place = await limiter.enter(patience.waitMs, TIMEOUT_MS + LEAST_MS);
  if (place === undefined) return false;
  try {
    // While it waited, others may have found out that nobody answers here.
    if (deps.health.standing() !== 'up') return false;
    if (clock.now() > Math.min(patience.startBy, patience.endBy - LEAST_MS)) return false;
    const next = queue.next();
    if (next.done === true) return false;
    const [at, payment] = next.value;
    const timeoutMs = Math.min(TIMEOUT_MS, patience.endBy - clock.now());
    said[at] = await presentOne(name, network, deps, payment, timeoutMs);
    return true;
  } finally {
    place.leave();
  }
};

const tryOut = async (
  name: string,
  network: Network,
  deps: FacilitatorDeps,
  payment: Presentable,
  patience: Patience,
): Promise<Presented> => {
  const most = PROBE_MS[patience.on];
  const place = await deps.limiter.enter(patience.waitMs, most + LEAST_MS);
  if (place === undefined) {
    deps.health.learn('open');
    return { kind: 'declined', why: 'busy' };
  }
  try {
    const timeoutMs = Math.max(LEAST_MS, Math.min(most, patience.endBy - deps.clock.now()));
    return await presentOne(name, network, deps, payment, timeoutMs);
  } finally {
    place.leave();
  }
};

const presentOne = async (
  name: string,
  network: Network,
  { url, authorize, health, clock, observe }: FacilitatorDeps,
  { payment }: Presentable,
  timeoutMs: number,
): Promise<Presented> => {
  const from = clock.now();
  const headers = await authorize('POST', settleUrl(url));
  const presented: Presented =
    headers === undefined
      ? { kind: 'unreachable', why: 'credential' }
      : await present({ url, headers }, payment, timeoutMs);
  const error = errorOf(presented);
  observe({
    event: 'backend_answered',
    network,
    backend: name,
    ok: isInHand(presented) || isPayersFault(presented, payment),
    milliseconds: clock.now() - from,
    ...(error === undefined ? {} : { error }),
  });
  if (rejectsMark(presented, payment)) {
    observe({ event: 'backend_rejects_bound', network, backend: name, error: error ?? '' });
  }
  if (presented.kind === 'unreachable') health.learn('fault', error, presented.retryAfter);
  return presented;
};
