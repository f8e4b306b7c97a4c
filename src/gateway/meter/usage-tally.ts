import { MAX_USAGE, type Usage } from '../../protocol/meter/meter.ts';
import type { UsageFault } from '../../protocol/meter/metered-charge.ts';
import type { ReadReports, Report, Reported } from './report-collector.ts';
import type { AnswerSource } from './report-place.ts';

/** The usage of an answer, as its reports add up. */
export type UsageTally = {
  /** Takes what one document reports. After the first fault, later reports change nothing. */
  readonly add: (read: ReadReports) => void;
  readonly usage: () => Usage;
  readonly fault: () => UsageFault | undefined;
};

const DIGITS = /^(?:0|[1-9][0-9]{0,12})(?:\.0+)?$/;
const MANY_DIGITS = /^[1-9][0-9]*(?:\.0+)?$/;

/** Characters of a reported value that a fault shows. */
const MAX_SHOWN = 32;

/** Reads a count: a whole number from 0 to `MAX_USAGE`. */
export const readCount = (unit: string, value: Reported): number | UsageFault => {
  const got = value === 'other' ? 'no number' : value.number.slice(0, MAX_SHOWN);
  const count = DIGITS.test(got) ? Number(got) : undefined;
  if (count !== undefined && count <= MAX_USAGE) return count;
  const fault = count !== undefined || MANY_DIGITS.test(got) ? 'huge' : 'not_whole';
  return { fault, unit, got };
};

/**
 * Opens a tally. A stream reports the usage so far, so a value may repeat or grow. Anything else shows that the upstream does not count, and
 * the call must not be charged by it.
 */
export const openUsageTally = ({ units }: AnswerSource): UsageTally => {
  const last = new Map<string, number>();
  let found: UsageFault | undefined;
  const byPointer = new Map(
    Object.entries(units).flatMap(([unit, { pointers }]) =>
      pointers.map((pointer) => [pointer, unit] as const),
    ),
  );
  const unitOf = (pointer: string): string => byPointer.get(pointer) ?? '';

  /** The counts of all reports of one document, which must agree. */
  const countsOf = (reports: readonly Report[]): Map<string, number> | UsageFault => {
    const counts = new Map<string, number>();
    for (const report of reports) {
      for (const [pointer, value] of report) {
        const unit = unitOf(pointer);
        const count = readCount(unit, value);
        if (typeof count !== 'number') return count;
        if ((counts.get(pointer) ?? count) !== count) return { fault: 'conflicting', unit };
        counts.set(pointer, count);
      }
    }
    return counts;
  };

  const faultIn = ({ reports, duplicated, isMalformed }: ReadReports): UsageFault | undefined => {
    if (duplicated !== undefined) return { fault: 'duplicated', unit: unitOf(duplicated) };
    if (isMalformed) return { fault: 'not_whole', unit: '', got: 'no object' };
    const counts = countsOf(reports);
    if ('fault' in counts) return counts;
    for (const [pointer, got] of counts) {
      const before = last.get(pointer) ?? 0;
      if (got < before) return { fault: 'shrinking', unit: unitOf(pointer), before, got };
      last.set(pointer, got);
    }
    return undefined;
  };

  const usage = (): Usage =>
    Object.fromEntries(
      Object.entries(units).flatMap(([unit, { pointers }]) => {
        const counts = pointers.flatMap((pointer) => last.get(pointer) ?? []);
        return counts.length === 0 ? [] : [[unit, counts.reduce((sum, count) => sum + count)]];
      }),
    );

  /** A part that is more than its whole, once both are known. */
  const partFault = (): UsageFault | undefined => {
    const used = usage();
    const parts = Object.entries(units).filter(([unit, { within }]) => {
      const whole = within === undefined ? undefined : used[within];
      return whole !== undefined && (used[unit] ?? 0) > whole;
    });
    const [unit] = parts[0] ?? [];
    return unit === undefined ? undefined : { fault: 'conflicting', unit };
  };

  return {
    add: (read) => {
      found ??= faultIn(read);
    },
    usage,
    fault: () => found ?? partFault(),
  };
};
