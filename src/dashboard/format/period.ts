import type { Seconds } from '../../core/clock.ts';
import { daysBefore, startOf } from './time.ts';

/** UTC days, both included. */
export type Period = { readonly from: string; readonly to: string };

/** The days that a person chose. Without a last day, today is the last; without a first, the period has so many days. */
export const periodOf = (
  { from, to }: { readonly [Edge in keyof Period]?: string | undefined },
  today: string,
  days: number,
): Period => {
  const last = to ?? today;
  return { from: from ?? daysBefore(last, days - 1), to: last };
};

/** The seconds of a period: its first one, and the first one after it. */
export const secondsOf = ({ from, to }: Period): readonly [start: Seconds, end: Seconds] => [
  startOf(from),
  startOf(daysBefore(to, -1)),
];
