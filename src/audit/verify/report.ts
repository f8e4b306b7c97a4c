import type { CheckId, Finding, Verdict } from './check.ts';

/** What a verification found, the same from every verifier (docs/audit-format.md). */
export type Report = {
  readonly v: 1;
  /** `open`: nothing is broken or missing, but entries at the end of a chain may have been left out (check `heads`). */
  readonly verdict: Verdict | 'open';
  readonly entries: number;
  readonly accounts: number;
  /** One finding a check, in the order of `CHECKS`. */
  readonly checks: readonly Finding[];
};

/** From best to worst. */
const WORSE: readonly Report['verdict'][] = ['proved', 'bounded', 'open', 'not checked', 'BROKEN'];

/** The worst of some verdicts. */
const worstOf = (verdicts: readonly Report['verdict'][]): Report['verdict'] =>
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
  const verdicts = counted.map(({ check, verdict }) =>
    check === 'heads' && verdict !== 'proved' && verdict !== 'BROKEN' ? 'open' : verdict,
  );
  return { v: 1, verdict: worstOf(verdicts), ...counts, checks };
};

/** The exit code of a verdict: 0 nothing broken or missing, 1 broken, 2 incomplete, 4 the ends of chains are not proved. */
export const exitCodeOf = (verdict: Report['verdict']): 0 | 1 | 2 | 4 => EXIT_CODES[verdict];

const EXIT_CODES = { proved: 0, bounded: 0, open: 4, 'not checked': 2, BROKEN: 1 } as const;
