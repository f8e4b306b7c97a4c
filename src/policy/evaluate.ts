import type { Seconds } from '../core/clock.ts';
import type { LimitState } from '../protocol/account/denial.ts';
import {
  attributed,
  counterState,
  prefixOf,
  type Refusal,
  type Repeats,
  type RuleSource,
  type Subject,
} from './rule.ts';
import { type Policy, RULE_GROUPS, STANDING_GROUPS } from './policy.ts';
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

type Denied = Extract<Verdict, { readonly allowed: false }>;

/** A rule as `firstDenial` runs it. Rules on the account alone take no subject. */
type Checked<Call> = {
  readonly check: (
    policy: Policy,
    source: Source,
    subject: Call,
    now: Seconds,
  ) => Refusal | undefined;
};

/** The checks of all groups in one list, and for each check where its group begins. */
const flat = <Call>(groups: readonly (readonly Checked<Call>[])[]) => ({
  checks: groups.flatMap((group) => group.map(({ check }) => check)),
  groupStart: groups.flatMap((group, at) =>
    group.map(() => groups.slice(0, at).reduce((count, { length }) => count + length, 0)),
  ),
});

const STANDING = flat<undefined>(STANDING_GROUPS);
const ALL = flat<Subject>(RULE_GROUPS);
const TOP_UP = flat<Subject>(
  RULE_GROUPS.map((group) => group.filter(({ checksTopUps }) => checksTopUps === true)),
);

/**
 * Decides whether a call satisfies every source at once: the account's own policies, its grants, and those of every ancestor. Names the
 * denial of the earliest group of `RULE_GROUPS`, and within a group that of the first source.
 */
export const evaluate = (sources: readonly Source[], subject: Subject, now: Seconds): Verdict => {
  const denied = firstDenial(subject.topUp ? TOP_UP : ALL, sources, subject, now);
  if (denied !== undefined) return denied;
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

/** Returns why the sources deny every call now, whatever its contents; undefined if they do not. */
export const standstill = (sources: readonly Source[], now: Seconds): Denied | undefined =>
  firstDenial(STANDING, sources, undefined, now);

const firstDenial = <Call>(
  { checks, groupStart }: ReturnType<typeof flat<Call>>,
  sources: readonly Source[],
  subject: Call,
  now: Seconds,
): Denied | undefined => {
  let denied: Denied | undefined;
  /** After a denial, only earlier groups matter. */
  let end = checks.length;
  for (const source of sources) {
    for (let at = 0; at < end; at += 1) {
      const refusal = checks[at]?.(source.policy, source, subject, now);
      if (refusal === undefined) continue;
      denied = { allowed: false, source, ...refusal };
      end = groupStart[at] ?? 0;
    }
  }
  return denied;
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
