import type { CheckId, Finding, Verdict } from './check.ts';

/** What a verification found, the same from every verifier (docs/audit-format.md). */
export type Report = {
  readonly v: 1;
  readonly verdict: Verdict;
  readonly entries: number;
  readonly accounts: number;
  /** One finding a check, in the order of `CHECKS`. */
  readonly checks: readonly Finding[];
};

/** From good to bad. */
const WORSE: readonly Verdict[] = ['proved', 'bounded', 'not checked', 'BROKEN'];

/** The worst of some verdicts. */
export const worstOf = (verdicts: readonly Verdict[]): Verdict =>
  WORSE[Math.max(0, ...verdicts.map((verdict) => WORSE.indexOf(verdict)))] ?? 'BROKEN';

/**
 * Joins findings to a report. A check that is not checked because its input is optional and was not given does not count.
 *
 * @param optional the checks that may stay unchecked
 */
export const reportOf = (
  counts: Pick<Report, 'entries' | 'accounts'>,
  checks: readonly Finding[],
  optional: ReadonlySet<CheckId>,
): Report => {
  const counted = checks.filter(
    ({ check, verdict }) => verdict !== 'not checked' || !optional.has(check),
  );
  return { v: 1, verdict: worstOf(counted.map(({ verdict }) => verdict)), ...counts, checks };
};

/** The exit code of a verdict: 0 nothing is broken and nothing is missing, 1 broken, 2 incomplete. */
export const exitCodeOf = (verdict: Verdict): 0 | 1 | 2 => {
  if (verdict === 'BROKEN') return 1;
  return verdict === 'not checked' ? 2 : 0;
};
