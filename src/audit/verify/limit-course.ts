import type { Seconds } from '../../core/clock.ts';
import type { Policy } from '../../policy/policy.ts';
import { everyOf, periodOf, windowName } from '../../policy/window.ts';
import type { AssetId } from '../../protocol/account-id.ts';
import { type BranchCall, type InForce, SLACK } from './branches.ts';
import { limitsOf } from './replay/binding.ts';
import type { Texts } from './replay/texts.ts';
import { createMaximum, firstFrom } from './times.ts';

type Span = { readonly from: Seconds; readonly to: Seconds };

/** One counter of an account over time. */
export type LimitCourse = {
  /** The spans of time whose calls may count, disjoint and ascending: `from` inclusive, `to` exclusive. */
  readonly near: readonly Span[];
  /** Until when the counter was in force without a break from this moment on; the moment itself if it was not in force. */
  readonly coveredFrom: (at: Seconds) => Seconds;
  /** The greatest limit that may have been in force in a period; -1 if there was none. */
  readonly highestIn: (period: { readonly start: Seconds; readonly end: Seconds }) => bigint;
};

/** @param limits in the order of the chain */
export const limitCourse = (limits: readonly InForce[]): LimitCourse => {
  const starts = limits.map(({ from }) => from);
  const ends = limits.map(({ to }) => to);
  const greatest = createMaximum(limits.map(({ limit }) => limit));
  const unbroken = joined(limits);
  const breaks = unbroken.map(({ from }) => from);
  return {
    near: joined(limits.map(({ from, to }) => ({ from: from - SLACK, to: to + SLACK }))),
    coveredFrom(at) {
      const span = unbroken[firstFrom(breaks, at + 1) - 1];
      return span !== undefined && at < span.to ? span.to : at;
    },
    highestIn: ({ start, end }) =>
      greatest(firstFrom(ends, start - SLACK + 1), firstFrom(starts, end + SLACK + 1)),
  };
};

/** Joins spans that touch. Ascending ones remain ascending. */
const joined = (spans: readonly Span[]): readonly Span[] => {
  const found: Span[] = [];
  for (const span of spans) {
    const last = found.at(-1);
    if (last !== undefined && span.from <= last.to)
      found[found.length - 1] = { ...last, to: span.to };
    else found.push(span);
  }
  return found;
};

/**
 * Whether a call of a descendant certainly counts in a counter.
 *
 * Attack: a gateway lets calls pass the limit in the first seconds of a policy. A lease brings the policies of an ancestor and the shares of
 * their counters together, so a call that lists the policy has drawn on the counter, however new the policy is.
 */
export const surelyCounts = (
  name: string,
  { at, asset, policies }: Pick<BranchCall, 'at' | 'asset' | 'policies'>,
  { coveredFrom }: Pick<LimitCourse, 'coveredFrom'>,
  texts: Texts,
): boolean => {
  const { start, end } = periodOf(everyOf(name), at);
  const isInside = name.endsWith('lifetime') || (at - start >= SLACK && end - at > SLACK);
  return (
    isInside &&
    (coveredFrom(at - SLACK) > at + SLACK ||
      policies.some((hash) => counts(texts.policy(hash), name, asset)))
  );
};

/** Whether a policy has a limit with this counter. */
const counts = (policy: Policy | undefined, name: string, asset: AssetId): boolean =>
  policy !== undefined && limitsOf(policy, asset).some(({ every }) => windowName(every) === name);
