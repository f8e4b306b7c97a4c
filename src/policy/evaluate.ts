import type { Seconds } from '../core/clock.ts';
import type { Repeats, Source, Subject } from './policy.ts';
import { paced, type Refusal, repeated, STAGES, TOP_UP_STAGES } from './stage.ts';

export { amounts, limitsLeft, meterState } from './limit.ts';

export type Verdict =
  | {
      readonly allowed: true;
      /** Rate states and repeats after this call, by the key of each source that counts them. */
      readonly arrivals: Readonly<Record<string, number>>;
      readonly repeats: Readonly<Record<string, Repeats>>;
    }
  | ({ readonly allowed: false; readonly source: Source } & Refusal);

/**
 * Whether a call satisfies every source at once: the account's own policies, its grants, and those of every ancestor. Each stage asks
 * all sources before the next begins, and within a stage the first source that refuses is named:
 *
 * 1. frozen, then paused
 * 2. revoked, expired or not yet valid
 * 3. deny rules
 * 4. allow-lists: tool, payee, asset, require rules, binding, validity
 * 5. per call
 * 6. windows and lifetime
 * 7. rate
 * 8. repeat
 *
 * What costs nothing is not held against payees, assets and money. A top-up spends nothing yet: only 1, 2 and 7 are for it. Whether
 * there are funds is asked afterwards, by the account.
 */
export const evaluate = (sources: readonly Source[], subject: Subject, now: Seconds): Verdict => {
  for (const stage of subject.topUp ? TOP_UP_STAGES : STAGES) {
    for (const source of sources) {
      const refusal = stage(source, subject, now);
      if (refusal !== undefined) return { allowed: false, source, ...refusal };
    }
  }
  const arrivals: Record<string, number> = {};
  const repeats: Record<string, Repeats> = {};
  for (const source of sources) {
    const rate = paced(source, now);
    if (rate?.admitted === true) arrivals[source.key] = rate.arrival;
    const repeat = subject.topUp ? undefined : repeated(source, subject, now);
    if (repeat?.admitted === true) repeats[source.key] = repeat.repeats;
  }
  return { allowed: true, arrivals, repeats };
};
