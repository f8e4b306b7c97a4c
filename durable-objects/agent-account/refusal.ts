import type { Seconds } from '../../src/core/clock.ts';
import type { Verdict } from '../../src/policy/evaluate.ts';
import type { Source } from '../../src/policy/policy.ts';
import type { Call, Denial } from './contract.ts';
import type { Progress } from './progress.ts';
import { type AccountState, purseOf } from './state.ts';

/** Why a call is not let run; without an account it is the caller's own rule. */
export type Refusal = Omit<Denial, 'policy' | 'account'> & Partial<Pick<Denial, 'account'>>;

type Refused = Extract<Verdict, { readonly allowed: false }>;

/** What a policy has refused, with whose it is. */
export const refusalOf = (refused: Refused): Refusal => {
  const { rule, source, limit, retryAfter, param } = refused;
  const { kind, account, hash } = source.origin;
  return {
    rule,
    account,
    // A pause may end any time; nobody knows when.
    retryAllowed: retryAfter !== undefined || rule === 'paused',
    ...(limit === undefined ? {} : { limit }),
    ...(retryAfter === undefined ? {} : { retryAfter }),
    ...(param === undefined ? {} : { param }),
    ...(kind === 'grant' || kind === 'lease' ? { grant: hash } : {}),
  };
};

/** Whether a limit of this account is used up only because accounts below have parts of it that they may give back. */
export const mayRecall = (
  state: AccountState,
  { price, asset }: Call,
  own: readonly Source[],
  refused: Refused,
): boolean => {
  const { meter } = refused;
  if (meter === undefined || !own.includes(refused.source)) return false;
  const leased = Object.values(purseOf(state, asset).windows).some(
    (counter) => (counter.leased ?? 0n) > (counter.drawn ?? 0n),
  );
  return leased && meter.spent + price <= meter.limit;
};

/** No answer from an account above is a refusal (design §5). */
export const unreachable = (account: Denial['account']): Refusal => ({
  rule: 'unreachable',
  account,
  retryAllowed: true,
  retryAfter: 1,
});

/** A new period helps only where the whole limit would cover the price. */
export const waiting = (
  denial: NonNullable<Progress['short']>['denial'],
  price: bigint,
  now: Seconds,
): Refusal => {
  const { resetsAt, limit } = denial.limit ?? {};
  return resetsAt === undefined || price > BigInt(limit ?? 0)
    ? { ...denial, retryAllowed: denial.rule === 'credit' }
    : { ...denial, retryAllowed: true, retryAfter: Math.max(1, resetsAt - now) };
};
