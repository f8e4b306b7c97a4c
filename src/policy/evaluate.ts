import type { Seconds } from '../core/clock.ts';
import type { LimitState } from '../protocol/limit.ts';
import { attributed, counterState, prefixOf } from './limit.ts';
import { type Policy, RULE_GROUPS } from './policy.ts';
import type { Refusal, Repeats, RuleSource, Subject } from './rule.ts';
import { countRate, rateState } from './rules/rate.ts';
import { countRepeat } from './rules/repeat.ts';

/** One policy that a call must satisfy, with what it has counted so far. */
export type Source = RuleSource & { readonly policy: Policy };

export type Verdict =
  | {
      readonly allowed: true;
      /** Rate states and repeats after this call, by the key of each source that counts them. */
      readonly arrivals: Readonly<Record<string, number>>;
      readonly repeats: Readonly<Record<string, Repeats>>;
    }
  | ({ readonly allowed: false; readonly source: Source } & Refusal);

/** The checks alone: reading `check` from objects of many shapes costs more than the checks. */
const CHECKS = RULE_GROUPS.map((group) => group.map(({ check }) => check));
const TOP_UP_CHECKS = RULE_GROUPS.map((group) =>
  group.filter(({ checksTopUps }) => checksTopUps === true).map(({ check }) => check),
).filter(({ length }) => length > 0);

/**
 * Decides whether a call satisfies every source at once: the account's own policies, its grants, and those of every ancestor. Checks the
 * rules in the order of `RULE_GROUPS`.
 */
export const evaluate = (sources: readonly Source[], subject: Subject, now: Seconds): Verdict => {
  for (const group of subject.topUp ? TOP_UP_CHECKS : CHECKS) {
    for (const source of sources) {
      for (const check of group) {
        const refusal = check(source.policy, source, subject, now);
        if (refusal !== undefined) return { allowed: false, source, ...refusal };
      }
    }
  }
  const arrivals: Record<string, number> = {};
  const repeats: Record<string, Repeats> = {};
  for (const source of sources) {
    const rate = countRate(source.policy, source, now);
    if (rate?.admitted === true) arrivals[source.key] = rate.arrival;
    const repeat = subject.topUp
      ? undefined
      : countRepeat(source.policy, source, subject.request, now);
    if (repeat?.admitted === true) repeats[source.key] = repeat.repeats;
  }
  return { allowed: true, arrivals, repeats };
};

/** Returns every limit whose remaining amount the account knows. A lease is only a share of an ancestor's limit. */
export const remainingLimits = (sources: readonly Source[], now: Seconds): LimitState[] =>
  sources
    .filter(({ origin }) => origin.kind !== 'lease')
    .flatMap((source) => {
      const { policy, counters, arrival } = source;
      const prefix = prefixOf(source);
      const limits = counters.map((counter) => counterState(counter, prefix));
      if (policy.rate !== undefined && arrival !== undefined) {
        limits.push(rateState(policy.rate, arrival, now, prefix));
      }
      return limits.map((limit) => attributed(source, limit));
    });
