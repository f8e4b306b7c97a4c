import type { Refusal } from './denial.ts';
import type { AccountState } from '../state.ts';
import type { Seconds } from '../../../src/core/clock.ts';
import { admit, type Rate, rateState } from '../../../src/policy/rules/rate.ts';

/**
 * The rate of denied calls and dry runs of one account. They are free, and each may ask the chain or an ancestor. The state is one
 * number in memory, stored whenever something else is. An object that loses it was idle, so a minute later it would allow a full burst
 * anyway.
 */
const DENIAL_RATE: Rate = { limit: 300, seconds: 60 };

/** From this many failed or failing calls on whose payments could still move, `FAILURE_RATE` limits how often such calls start. */
export const MAX_RELEASED = 5_000;
const FAILURE_RATE: Rate = { limit: 1, seconds: 1 };

/** Counts one more denied call or dry run; undefined if the rate is used up. */
export const countDenial = (state: AccountState, now: Seconds): AccountState | undefined => {
  const pace = admit(DENIAL_RATE, state.denialArrival, now);
  return pace.admitted ? { ...state, denialArrival: pace.arrival } : undefined;
};

/** Whether denied calls and dry runs have used up their rate. */
export const isFlooded = (state: AccountState, now: Seconds): boolean =>
  countDenial(state, now) === undefined;

/** As `countDenial`, for calls that start while `released` payments wait for the end of their authorizations. */
export const countRisk = (
  state: AccountState,
  released: number,
  now: Seconds,
): AccountState | undefined => {
  if (released < MAX_RELEASED) return state;
  const pace = admit(FAILURE_RATE, state.failureArrival, now);
  return pace.admitted ? { ...state, failureArrival: pace.arrival } : undefined;
};

/** The denial names the rate, and when to retry (law 8). */
export const floodRefusal = ({ denialArrival }: AccountState, now: Seconds): Refusal =>
  rateRefusal('denial_rate', DENIAL_RATE, denialArrival, now);

export const failureRefusal = ({ failureArrival }: AccountState, now: Seconds): Refusal =>
  rateRefusal('failure_rate', FAILURE_RATE, failureArrival, now);

const rateRefusal = (
  rule: 'denial_rate' | 'failure_rate',
  rate: Rate,
  arrival: number,
  now: Seconds,
): Refusal => {
  const pace = admit(rate, arrival, now);
  const retryAfter = pace.admitted ? 1 : pace.retryAfter;
  const limit = { ...rateState(rate, arrival, now), rule, resetsAt: now + retryAfter };
  return { rule, limit, retryAllowed: true, retryAfter };
};
