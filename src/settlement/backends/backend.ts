import type { Network } from '../../protocol/account-id.ts';
import type { Clock } from '../../core/clock.ts';
import type { Emit } from '../telemetry.ts';
import type { BackendAnswer, Presentable } from './backend-answer.ts';
import type { Health } from './health.ts';

/**
 * Requests that a Worker may have open at once, to all hosts together (Cloudflare's limit of simultaneous connections). Further requests
 * queue inside the platform and time out there. A facilitator answers after it settled, so a presentation holds a connection for seconds.
 */
export const CONNECTIONS = 6;

/** Limits of one call of `present`. Times are milliseconds of the clock. */
export type PresentOptions = {
  /** How long to wait for a free place at the backend. */
  readonly waitMs: number;
  /** No presentation starts later. */
  readonly startBy: number;
  /** Every presentation has ended by then. */
  readonly endBy: number;
  /** `request`: a caller waits for the settlement, so a backend that batches sends at once. */
  readonly source: 'queue' | 'request';
  /** How many of `CONNECTIONS` may be used; absent: all. */
  readonly connections?: number;
};

/**
 * Moves payments on one network: a facilitator, or the relayer. CONTRIBUTING.md has the recipe for a new kind.
 *
 * A backend's answer is a hint about which backend to try next and when to observe; what happened is what the chain shows (law 5). Every
 * backend withstands these races:
 * - **Two presentations of one payment.** Other isolates and other backends may present the same payment at the same moment. The nonce is
 *   used once, so that is safe; an answer like "nonce already used" must not count as a fault of the backend.
 * - **A lost answer.** A timeout, a broken connection or a 500 may follow a broadcast. The answer is then `unreachable`, never `declined`:
 *   `declined` lets the next backend present without a look at the chain.
 * - **A cancelled caller.** The runtime cancels a request when its client disconnects, also in the middle of `present`. Every place and
 *   probe that `present` occupies must expire by itself.
 * - **Many probes.** After a pause many requests find the backend due for a probe. One payment goes out, the others are `declined`.
 * - **Requests of one isolate.** A promise that one request created must not be awaited by another (Workers cancel its I/O). Share values
 *   only.
 */
export type Backend = {
  /** The host of a facilitator, or `relayer`. Appears in logs, metrics and D1. */
  readonly name: string;
  readonly network: Network;
  /** Lower ranks are tried first; equal ranks in the order of the configuration. */
  readonly rank: number;
  /** How many payments it presents at once; more would wait for these. `Infinity` if one call takes them all. */
  readonly width: number;
  /** Whether each presentation holds one of `CONNECTIONS` until it has ended. */
  readonly usesConnections: boolean;
  /**
   * Whether it stores each payment that it takes and presents it until the payment ends. Such a payment stays with it over deliveries, and
   * its health does not wait for the chain.
   */
  readonly keepsPayments: boolean;
  readonly health: Health;
  /** Whether it settles on its network, as far as is known. */
  supportsNetwork(): boolean;
  /** Refreshes the list of what it supports, if that is due. Takes at most two seconds and never throws. */
  refresh(): Promise<void>;
  /**
   * Presents payments in the given order, as many at once as its limits allow; during a probe, only the first. Never throws.
   *
   * @returns one answer per payment, in order.
   */
  present(
    payments: readonly Presentable[],
    options: PresentOptions,
  ): Promise<readonly BackendAnswer[]>;
};

/** The parameters that every kind of backend needs. */
export type OpenContext = {
  readonly clock: Clock;
  readonly emit: Emit;
  /** Opens the health of a backend, which depends on whether another backend of the network works. */
  readonly openHealth: (network: Network, name: string) => Health;
};
