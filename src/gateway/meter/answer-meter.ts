import type { UsageReading } from '../../protocol/meter/metered-charge.ts';
import type { Meter, Rates } from '../../protocol/meter/meter.ts';

/** Reads the usage of one answer as it passes, chunk by chunk, in bounded memory. */
export type AnswerMeter = {
  /**
   * Reads a chunk before it is passed on.
   *
   * @param now milliseconds.
   * @returns how many of its bytes may be passed on. If fewer than all, the maximum pays for no more: the answer ends there, and the meter
   *   reads nothing more.
   */
  readonly write: (chunk: Uint8Array, now: number) => number;
  /** Whether the bytes so far end with an event. Always true for an answer that is no event stream. */
  readonly isBetweenEvents: () => boolean;
  /**
   * How many milliseconds from `now` the maximum still pays for, if nothing arrives meanwhile. The gateway ends the answer after them.
   * Undefined if time costs nothing.
   */
  readonly remainingMs: (now: number) => number | undefined;
  /** Returns what the meter has read. No `write` may follow. */
  readonly end: (now: number) => UsageReading;
};

/** An answer that a meter reads. */
export type MeteredAnswer = {
  /** The headers of the upstream, before the gateway drops any. */
  readonly headers: Headers;
  /** When they arrived, milliseconds. */
  readonly startedAt: number;
  readonly meter: Meter;
  /** The rate list of the call. */
  readonly rates: Rates;
  /** The held amount, atomic units. */
  readonly maximum: bigint;
};
