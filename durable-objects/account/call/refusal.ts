import type { Seconds } from '../../../src/core/clock.ts';
import type { Verdict } from '../../../src/policy/evaluate.ts';
import type { Denial } from '../../../src/protocol/account/denial.ts';
import type { Progress } from './progress.ts';

/** Why a call is denied. Without an account, the rule is the caller's own. */
export type Refusal = Omit<Denial, 'policy' | 'account'> & Partial<Pick<Denial, 'account'>>;

type Refused = Extract<Verdict, { readonly allowed: false }>;

/** The denial of a policy rule, with the account of the policy. */
export const refusalOf = (refused: Refused): Refusal => {
  const { rule, source, limit, retryAfter, param } = refused;
  const { kind, account, hash } = source.origin;
  return {
    rule,
    account,
    // A pause may end at any time.
    retryAllowed: retryAfter !== undefined || rule === 'paused',
    ...(limit === undefined ? {} : { limit }),
    ...(retryAfter === undefined ? {} : { retryAfter }),
    ...(param === undefined ? {} : { param }),
    ...(kind === 'grant' || kind === 'lease' ? { grant: hash } : {}),
  };
};

/** The account denies a call if an ancestor does not answer (law 8). */
export const unreachable = (account: Denial['account']): Refusal => ({
  rule: 'unreachable',
  account,
  retryAllowed: true,
  retryAfter: 1,
});

/** A new period helps only if the whole limit would cover the price. */
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
