import type { Size } from './kind.ts';

/** What a run has found out: the last line of `npm run falsify -- --json`. Of a share, the worst value. */
export type Figures = {
  readonly calls: number;
  readonly admitted: number;
  /** Units by which the worst limit was passed. */
  readonly overspend: number;
  /** Share of the tightest limit that was of use. */
  readonly usable: number;
  /** The same of what was left to one greedy account, after all others had made one call each. */
  readonly usableSkewed: number;
  readonly parentCallsPerPaidCall: number;
};

/** Of one scenario: counts instead of their ratio. */
export type Findings = Omit<Figures, 'parentCallsPerPaidCall'> & {
  readonly size: Size;
  readonly leases: number;
  /** What no figure says: where accounts contradict the books. */
  readonly contradictions: readonly string[];
};

const USABLE = 0.99;

/** What must not be; empty where the scenario has falsified nothing. The last unit of a tiny limit matters. */
export const wrongs = (findings: Findings): readonly string[] => {
  const { overspend, usable, usableSkewed, size, contradictions } = findings;
  const least = size === 'tiny' ? 1 : USABLE;
  return [
    ...(overspend > 0 ? [`a limit was passed by ${overspend}`] : []),
    ...(usable < least ? [`only ${usable} of the tightest limit was of use`] : []),
    ...(usableSkewed < least
      ? [`one greedy account got only ${usableSkewed} of what was left`]
      : []),
    ...contradictions,
  ];
};

export const sumUp = (all: readonly Findings[]): Figures => {
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
