import type { Seconds } from '../../../src/core/clock.ts';
import { rateState } from '../../../src/policy/rules/rate.ts';
import type { Rate } from '../../../src/policy/rules/rate.ts';
import { admit } from '../../../src/policy/rules/rate.ts';
import type { Refusal } from './refusal.ts';
import type { AccountState } from '../state.ts';

/**
 * Denied calls and dry runs of one account. They are free, and each may ask the chain or an account above. The state is one number in
 * memory, stored with whatever is written anyway (a known account's denials write once in ten seconds); an idle object that loses it
 * had its full burst back within a minute.
 */
const DENIAL_RATE: Rate = { limit: 300, seconds: 60 };

/** From so many calls on that failed, or may, and whose payment could still move, new ones begin at this rate. */
export const MOST_RELEASED = 5_000;
const FAILURE_RATE: Rate = { limit: 1, seconds: 1 };

/** The account with one more denied call or dry run; undefined where its rate is used up. */
export const countDenial = (state: AccountState, now: Seconds): AccountState | undefined => {
  const pace = admit(DENIAL_RATE, state.denialArrival, now);
  return pace.admitted ? { ...state, denialArrival: pace.arrival } : undefined;
};

/** Whether denied calls and dry runs have used up their rate. */
export const isFlooded = (state: AccountState, now: Seconds): boolean =>
  countDenial(state, now) === undefined;

/** As `countDenial`, of calls that begin while `released` wait for the end of their authorization. */
export const countRisk = (
  state: AccountState,
  released: number,
  now: Seconds,
): AccountState | undefined => {
  if (released < MOST_RELEASED) return state;
  const pace = admit(FAILURE_RATE, state.failureArrival, now);
  return pace.admitted ? { ...state, failureArrival: pace.arrival } : undefined;
};

/** Law 8: how often, and when again. */
export const floodRefusal = ({ denialArrival }: AccountState, now: Seconds): Refusal =>
  refusalOf('denial_rate', DENIAL_RATE, denialArrival, now);

export const failureRefusal = ({ failureArrival }: AccountState, now: Seconds): Refusal =>
  refusalOf('failure_rate', FAILURE_RATE, failureArrival, now);

const refusalOf = (
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
