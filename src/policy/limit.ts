import type { LimitState } from '../protocol/account/denial.ts';
import type { RuleSource, SpendCounter } from './rule.ts';

/** Builds a limit in amounts, with what remains (never below zero). */
export const amounts = (rule: string, limit: bigint, spent: bigint, held: bigint): LimitState => {
  const remaining = limit - spent - held;
  return {
    rule,
    limit: limit.toString(),
    spent: spent.toString(),
    held: held.toString(),
    remaining: (remaining > 0n ? remaining : 0n).toString(),
  };
};

export const counterState = (
  { rule, name, limit, spent, held, resetsAt, window }: SpendCounter,
  prefix = '',
): LimitState => ({
  ...amounts(prefix + (rule === 'window' ? `window:${name}` : rule), limit, spent, held),
  ...(resetsAt === undefined ? {} : { resetsAt }),
  ...(window === undefined ? {} : { window }),
});

/** Returns the prefix of a source's limits: two policies may each limit a day, so their limits need two names. */
export const prefixOf = ({ origin: { kind } }: RuleSource): string =>
  kind === 'owner' || kind === 'grant' ? `${kind}:` : '';

/** Adds the account that a limit belongs to, unless the limit comes from the operator. */
export const attributed = ({ origin }: RuleSource, limit: LimitState): LimitState =>
  origin.kind === 'default' || origin.kind === 'operator'
    ? limit
    : { ...limit, account: origin.account };
