import type { PolicyDocument } from '../../management/policy.route.ts';

type Every = NonNullable<PolicyDocument['windows']>[number]['every'];

/** The window that a `budget_duration` stands for, or why there is none. */
export type Span = { readonly every: Every; readonly nearly?: string } | { readonly lost: string };

const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };
const DAY = 86_400;
const LONGEST = 366 * DAY;

/**
 * LiteLLM resets `1d` at midnight, `1h` on the hour, `7d` on Mondays, `30d` and `1mo` on the 1st, and other durations from when they
 * were set (`duration_parser.py`); windows of a policy are calendar ones, or counted from the Unix epoch.
 */
export const spanOf = (duration: string): Span => {
  const [, digits = '', unit = ''] = /^([0-9]{1,9})(mo|[smhdw])$/.exec(duration.trim()) ?? [];
  const value = Number(digits);
  if (unit === '') return { lost: `${JSON.stringify(duration)} is no duration such as 30d or 1h` };
  if (value === 0) return { lost: 'a duration of nothing is no window' };
  if (unit === 'mo') {
    return value === 1
      ? { every: 'month' }
      : { lost: 'a window of several months is no calendar window' };
  }
  const seconds = value * (UNITS[unit] ?? 0);
  if (seconds > LONGEST) return { lost: 'is longer than the 366 days that a window may have' };
  if (seconds === 3600) return { every: 'hour' };
  if (seconds === DAY) return { every: 'day' };
  if (unit === 'd' && value === 30)
    return {
      every: 'month',
      nearly: 'LiteLLM resets 30d on the 1st of the month, so it became a month (UTC)',
    };
  if (DAY % seconds === 0) return { every: seconds };
  const from =
    seconds === 7 * DAY
      ? 'LiteLLM counts weeks from Monday'
      : 'LiteLLM counts from when the budget was set';
  return {
    every: seconds,
    nearly: `${from}, a policy in periods of ${seconds} s from the Unix epoch`,
  };
};
