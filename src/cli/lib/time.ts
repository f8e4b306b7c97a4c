import { usageError } from './errors.ts';
import type { OptionSpec } from './command.ts';
import type { Input } from './input.ts';
import { durationIn, isoDay } from './units.ts';

/** A time that an option names: its second, and whether it is a whole day of UTC. */
type Named = { readonly at: number; readonly isDay: boolean };

const DAY = 86_400;
const ISO =
  /^([0-9]{4}-[0-9]{2}-[0-9]{2})(T[0-9]{2}:[0-9]{2}(?::[0-9]{2})?)?(Z|[+-][0-9]{2}:[0-9]{2})?$/;

/** `2026-12-31`, `2026-12-31T14:00`, that with a zone, or Unix seconds. A time without a zone is UTC, whatever the machine's zone is. */
const namedTime = (text: string): Named | undefined => {
  if (/^[0-9]{9,12}$/.test(text)) return { at: Number(text), isDay: false };
  const [, day = '', time, zone = 'Z'] = ISO.exec(text) ?? [];
  if (day === '' || (time === undefined && text !== day)) return undefined;
  const midnight = Date.parse(`${day}T00:00:00Z`) / 1000;
  // `Date.parse` takes 31 February for a day in March.
  if (Number.isNaN(midnight) || isoDay(midnight) !== day) return undefined;
  if (time === undefined) return { at: midnight, isDay: true };
  const at = Math.floor(Date.parse(`${day}${time}${zone}`) / 1000);
  return Number.isNaN(at) ? undefined : { at, isDay: false };
};

/** `30d` with its unit, in seconds. */
const lengthIn = (text: string): number | undefined =>
  /[smhdw]$/.test(text) ? durationIn(text) : undefined;

/** Unix seconds of a future time: `30d` from now, or any form of `namedTime`. @throws CliError usage */
export const timeIn = (text: string, flag: string, now: number): number => {
  const length = lengthIn(text);
  const at = length === undefined ? namedTime(text)?.at : now + length;
  if (at !== undefined) return at;
  throw usageError(
    `${flag} takes a time.`,
    `Give a duration from now, as ${flag} 30d or 12h, or a day or time of UTC, as 2026-12-31 or 2026-12-31T14:00.`,
  );
};

/** A past time: `today`, `yesterday`, `7d` ago, or any form of `namedTime`. @throws CliError usage */
const pastIn = (text: string, flag: string, now: number): Named => {
  const today = now - (now % DAY);
  if (text === 'today') return { at: today, isDay: true };
  if (text === 'yesterday') return { at: today - DAY, isDay: true };
  const length = lengthIn(text);
  const named = length === undefined ? namedTime(text) : { at: now - length, isDay: false };
  if (named !== undefined && named.at >= 0) return named;
  throw usageError(
    `${flag} takes a time.`,
    `Give ${flag} today, yesterday, 7d or 12h (ago), 2026-11-25, or 2026-11-25T14:00. Times are UTC.`,
  );
};

const FORMS = 'today, yesterday, 7d (ago), 2026-11-25 or 2026-11-25T14:00, in UTC';

/** `--from` and `--to` of a list, both included. */
export const timeRange = (from: string): readonly OptionSpec[] => [
  { flags: '--since, --from <time>', summary: `${FORMS} (default: ${from})` },
  { flags: '--until, --to <time>', summary: 'as --from; a day to its end (default: now)' },
];

/** `--from` and `--to` of a report by days, both included. */
export const dayRange: readonly OptionSpec[] = [
  { flags: '--from <time>', summary: `first day: ${FORMS} (default: 30 days ago)` },
  { flags: '--to <time>', summary: 'last day, as --from (default: today)' },
];

/** Unix seconds from `from`, which is included, to `to`, which is not. Absent without the option. */
export type TimeRange = { readonly from?: number; readonly to?: number };

/** @throws CliError usage */
export const timeRangeIn = (input: Input, now: number): TimeRange => {
  const [from, to] = namedRange(input, now);
  const end = to && to.at + (to.isDay ? DAY : 1);
  return { ...(from && { from: from.at }), ...(end === undefined ? {} : { to: end }) };
};

/** Days of UTC as `2026-11-25`, both included. Absent without the option. @throws CliError usage */
export const dayRangeIn = (
  input: Input,
  now: number,
): { readonly from?: string; readonly to?: string } => {
  const [from, to] = namedRange(input, now);
  return { ...(from && { from: isoDay(from.at) }), ...(to && { to: isoDay(to.at) }) };
};

const namedRange = (input: Input, now: number): readonly [Named | undefined, Named | undefined] => {
  const [from, to] = (['from', 'to'] as const).map((option) => {
    const text = input.text(option);
    return text === undefined ? undefined : pastIn(text, `--${option}`, now);
  });
  if (from !== undefined && to !== undefined && from.at > to.at)
    throw usageError('--from is after --to.', 'Swap the two times.');
  return [from, to];
};
