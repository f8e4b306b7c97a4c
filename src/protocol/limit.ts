import type { Seconds } from '../core/clock.ts';
import type { AccountId } from './account-id.ts';

/** The state of a limit at a decision. Amounts are decimal strings of atomic units, times Unix seconds. */
export type LimitState = {
  readonly rule: string;
  readonly limit: string;
  readonly spent: string;
  readonly held: string;
  readonly remaining: string;
  readonly resetsAt?: Seconds;
  readonly window?: Seconds;
  /** The account that set the limit; absent for a limit of the caller itself. */
  readonly account?: AccountId;
};

/** The wire form of a limit. */
export const limitBody = ({ resetsAt, ...limit }: LimitState) => ({
  ...limit,
  ...(resetsAt === undefined ? {} : { resets_at: resetsAt }),
});
