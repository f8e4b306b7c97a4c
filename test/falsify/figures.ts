import type { Size } from './kind.ts';

/** Results of a run: the last line of `npm run falsify -- --json`. Each share is the worst of all scenarios. */
export type Figures = {
  readonly calls: number;
  readonly admitted: number;
  /** The most units by which any limit was exceeded. */
  readonly overspend: number;
  /** Share of the tightest limit that the accounts could use. */
  readonly usable: number;
  /** Share of the remaining budget that one greedy account could use after each other account had made one call. */
  readonly usableSkewed: number;
  readonly parentCallsPerPaidCall: number;
};

/** Results of one scenario. */
export type Findings = Omit<Figures, 'parentCallsPerPaidCall'> & {
  readonly size: Size;
  readonly leases: number;
  /** Contradictions between an account and the callers' journal. */
  readonly contradictions: readonly string[];
};

const USABLE = 0.99;

/** Describes every violation of a scenario. A tiny limit must be usable to the last unit. */
export const violations = (findings: Findings): readonly string[] => {
  const { overspend, usable, usableSkewed, size, contradictions } = findings;
  const least = size === 'tiny' ? 1 : USABLE;
  return [
    ...(overspend > 0 ? [`accounts exceeded a limit by ${overspend} units (law 6)`] : []),
    ...(usable < least ? [`accounts could use only ${usable} of the tightest limit`] : []),
    ...(usableSkewed < least
      ? [`one greedy account could use only ${usableSkewed} of the remaining budget`]
      : []),
    ...contradictions,
  ];
};

export const summarize = (all: readonly Findings[]): Figures => {
  const sum = (of: (each: Findings) => number): number =>
    all.reduce((total, each) => total + of(each), 0);
  const admitted = sum((each) => each.admitted);
  const leases = sum((each) => each.leases);
  return {
    calls: sum((each) => each.calls),
    admitted,
    overspend: Math.max(0, ...all.map((each) => each.overspend)),
    usable: Math.min(1, ...all.map((each) => each.usable)),
    usableSkewed: Math.min(1, ...all.map((each) => each.usableSkewed)),
    parentCallsPerPaidCall: Number((leases / Math.max(1, admitted)).toFixed(4)),
  };
};
