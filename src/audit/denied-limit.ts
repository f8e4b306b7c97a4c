import type { Seconds } from '../core/clock.ts';
import { countsCalls } from '../policy/rule-name.ts';
import type { Facts } from '../protocol/log/facts.ts';

/**
 * The limit that denied a call, as it was at the decision: atomic units, or numbers of calls. A figure that is not a number reads as
 * absent.
 */
export type DeniedLimit = {
  /** As the log names it: `owner:window:day`. */
  readonly rule: string;
  readonly unit: 'calls' | 'money';
  readonly limit: bigint | undefined;
  readonly spent: bigint | undefined;
  readonly held: bigint | undefined;
  readonly remaining: bigint | undefined;
  readonly resetsAt: Seconds | undefined;
  /** The account of the limit, if it is an ancestor's. */
  readonly account: string | undefined;
};

/** Undefined if a rule without a limit denied. */
export const deniedLimit = ({
  rule: denies = 'unknown',
  outcome: { limit },
}: Pick<Facts<'call.denied'>, 'rule' | 'outcome'>): DeniedLimit | undefined => {
  if (limit === undefined) return undefined;
  const { rule = denies, resetsAt, account } = limit;
  return {
    ...{ rule, unit: countsCalls(rule) ? 'calls' : 'money', resetsAt, account },
    ...{ limit: figureIn(limit.limit), spent: figureIn(limit.spent) },
    ...{ held: figureIn(limit.held), remaining: figureIn(limit.remaining) },
  };
};

const figureIn = (text: string | undefined): bigint | undefined =>
  text !== undefined && /^-?[0-9]{1,78}$/.test(text) ? BigInt(text) : undefined;
