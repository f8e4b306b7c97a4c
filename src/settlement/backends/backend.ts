import type { Network } from '../../protocol/account-id.ts';
import type { Seconds } from '../../core/clock.ts';
import type { Standing } from './circuit.ts';
import type { Lesson, Presentable, Presented } from './backend-answer.ts';

/**
 * Requests that a Worker may have on their way at once, whatever host they go to: more would wait for each other, and time out while they
 * wait. A facilitator answers when it has settled, so each presentation holds one for seconds (platform limit: simultaneous connections).
 */
export const CONNECTIONS = 6;

/** How long somebody is ready to wait. Times of the clock in milliseconds. */
export type Patience = {
  /** For a place in the backend's own bounds. */
  readonly waitMs: number;
  /** No presentation begins after it. */
  readonly startBy: number;
  /** Every presentation is over by then. */
  readonly endBy: number;
  /** `request`: a caller waits for it, so that our relayer sends at once. */
  readonly on: 'queue' | 'request';
  /** Of `CONNECTIONS`, those that may be used; absent: all. */
  readonly connections?: number;
};

/** Somebody who moves payments on one network: a facilitator, or our own relayer. */
export type Backend = {
  /** Host of the facilitator, or `relayer`. */
  readonly name: string;
  readonly network: Network;
  /** How many payments it is shown at once; more would wait for these. Without end where one call takes them all. */
  readonly width: number;
  standing(): Standing;
  /**
   * Presents payments in the order given, as many at once as the backend's bounds allow. Who is being tried after a pause gets
   * the first one only.
   *
   * @returns what was said of each, in their order; never throws.
   */
  present(payments: readonly Presentable[], patience: Patience): Promise<readonly Presented[]>;
  /** Takes notice of what the chain said after an answer. `error`: a kind or an x402 reason. */
  learn(lesson: Lesson, error?: string): void;
};

export const RELAYER = 'relayer';

/** How a backend does, as this isolate sees it. */
export type BackendHealth = {
  readonly network: Network;
  readonly backend: string;
  readonly state: 'closed' | 'open' | 'half_open';
  readonly succeeded: number;
  readonly failed: number;
  readonly lastError?: string;
  readonly lastErrorAt?: Seconds;
};
