import { nowSeconds, type Seconds } from '../../core/clock.ts';
import { lasting } from '../../core/lasting.ts';

const DAY = 86_400;

/** One form everywhere, whatever the language of the browser: the dashboard is in English. */
const formatOf = (options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat =>
  new Intl.DateTimeFormat('en-GB', { hourCycle: 'h23', ...options });

const CLOCK = { hour: '2-digit', minute: '2-digit' } as const;
const DATE = { day: 'numeric', month: 'short' } as const;
const time = formatOf({ ...CLOCK, second: '2-digit', timeZoneName: 'short' });
const moment = formatOf({ ...DATE, ...CLOCK });
const momentWithSeconds = formatOf({ ...DATE, ...CLOCK, second: '2-digit' });
const momentOfYear = formatOf({ ...DATE, year: 'numeric', ...CLOCK });
const exact = formatOf({
  ...{ ...DATE, year: 'numeric', ...CLOCK, second: '2-digit', timeZoneName: 'short' },
});

/** `07:36:56 UTC`, in the viewer's zone. Each page names the zone once in this way, and shows all other times in it. */
export const timeOf = (at: Seconds): string => time.format(at * 1000);

/** A moment in the viewer's zone: `28 Nov, 07:36`, with its year if that is not the present one. */
export const momentOf = (at: Seconds): string => {
  const date = new Date(at * 1000);
  const isThisYear = date.getFullYear() === new Date(nowSeconds() * 1000).getFullYear();
  return (isThisYear ? moment : momentOfYear).format(date);
};

/** With seconds, for steps that follow each other: `28 Nov, 07:36:56`. */
export const momentToSecond = (at: Seconds): string => momentWithSeconds.format(at * 1000);

/** With year, seconds and zone: `28 Nov 2026, 07:36:56 UTC`. */
export const exactMomentOf = (at: Seconds): string => exact.format(at * 1000);

/** The time from one moment to another: `12 s`, `4 min`, `3 h`, `5 days`. */
export const agoOf = (at: Seconds, now: Seconds): string => lasting(now - at);

/** When a limit begins again: `resets in 16 h (00:00 UTC)`. */
export const resetText = (at: Seconds, now: Seconds): string =>
  `resets in ${agoOf(now, at)} (${new Date(at * 1000).toISOString().slice(11, 16)} UTC)`;

/** A UTC day, `2026-11-28`. Totals are by UTC day. */
export const dayOf = (at: Seconds): string => new Date(at * 1000).toISOString().slice(0, 10);

const dayName = formatOf({ ...DATE, timeZone: 'UTC' });

/** A UTC day as an axis writes it: `28 Nov`. */
export const dayText = (day: string): string => dayName.format(startOf(day) * 1000);

/** The first second of a UTC day. */
export const startOf = (day: string): Seconds => Date.parse(`${day}T00:00:00Z`) / 1000;

/** The UTC day `days` before another. */
export const daysBefore = (day: string, days: number): string => dayOf(startOf(day) - days * DAY);
