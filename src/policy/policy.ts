import type { Seconds } from '../core/clock.ts';

/**
 * What an account may do (design §5). Amounts are atomic units of the asset asked about. Issue 4 adds tools, payees,
 * assets and rules; a missing field here means "no limit of this kind", and only the operator's default policy may omit one.
 */
export type Policy = {
  /** The most one call may cost. */
  readonly perCall: bigint;
  /** Accepted but unsettled money, at most. */
  readonly exposure: bigint;
  /** At most `limit` calls in any `seconds`, as GCRA: steady, with a burst of `limit`. */
  readonly rate: { readonly limit: number; readonly seconds: Seconds };
  /** Spend per fixed window. */
  readonly windows: readonly Window[];
};

/** A fixed window in UTC: a calendar one, or `seconds` counted from the Unix epoch. */
export type Window = {
  readonly every: 'hour' | 'day' | 'month' | Seconds;
  readonly limit: bigint;
};
