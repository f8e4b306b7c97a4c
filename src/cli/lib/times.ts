import { usageError } from './errors.ts';
import { counted } from './text.ts';

const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };

/** Seconds of `30d`, `12h`, `60s` or `60`; undefined for anything else. */
export const durationIn = (text: string): number | undefined => {
  const [, count = '', unit = 's'] = /^([1-9][0-9]{0,8})([smhdw]?)$/.exec(text) ?? [];
  const seconds = Number(count) * (UNITS[unit === '' ? 's' : unit] ?? Number.NaN);
  return count !== '' && Number.isSafeInteger(seconds) ? seconds : undefined;
};

/** A time to come, as `2026-12-31`, an ISO date with a time, Unix seconds, or `30d` from now. @throws CliError */
export const timeIn = (text: string, flag: string, now: number): number => {
  if (/^[0-9]{9,12}$/.test(text)) return Number(text);
  const length = durationIn(text);
  if (length !== undefined && /[smhdw]$/.test(text)) return now + length;
  if (/^[0-9]{4}-[0-9]{2}-[0-9]{2}(T.*)?$/.test(text)) {
    const at = Date.parse(text.length === 10 ? `${text}T00:00:00Z` : text);
    // Some engines take the 31st of February for a day of March.
    const isDay = !Number.isNaN(at) && (text.length > 10 || isoDay(at / 1000) === text);
    if (isDay) return Math.floor(at / 1000);
  }
  throw usageError(
    `${flag} takes a time.`,
    `Give a day, as 2026-12-31 (UTC), or how long from now, as 30d or 12h.`,
  );
};

export const isoDay = (seconds: number): string => isoTime(seconds).slice(0, 10);

/** `2026-12-31T00:00:00Z`, or the number where no calendar has it. */
export const isoTime = (seconds: number): string => {
  const date = new Date(seconds * 1000);
  return Number.isNaN(date.getTime()) ? String(seconds) : date.toISOString().replace('.000Z', 'Z');
};

/** `2026-12-31 12:00`, for tables. */
export const shortTime = (seconds: number | undefined): string =>
  seconds === undefined ? '' : isoTime(seconds).slice(0, 16).replace('T', ' ');

/** Seconds in the largest unit that has them whole: no two of them look alike. */
export const exactly = (seconds: number): string => {
  if (seconds % 86_400 === 0) return counted(seconds / 86_400, 'day');
  return seconds % 3600 === 0 ? `${seconds / 3600} h` : `${seconds} s`;
};
