import type { Seconds } from '../../../src/core/clock.ts';
import type { Verdict } from '../../../src/policy/evaluate.ts';
import type { Denial } from '../../../src/protocol/account/denial.ts';
import type { Progress } from './progress.ts';

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
