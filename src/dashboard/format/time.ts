import type { Seconds } from '../../core/clock.ts';

const MINUTE = 60;
const HOUR = 3600;
const DAY = 86_400;

const exact = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });

/** A moment in the viewer's zone. */
export const momentOf = (at: Seconds): string => exact.format(at * 1000);

/** How long ago: `12 s`, `4 min`, `3 h`, `5 d`. */
export const agoOf = (at: Seconds, now: Seconds): string => {
  const age = Math.max(0, now - at);
  if (age < MINUTE) return `${age} s`;
  if (age < HOUR) return `${Math.floor(age / MINUTE)} min`;
  if (age < DAY) return `${Math.floor(age / HOUR)} h`;
  return `${Math.floor(age / DAY)} d`;
};

/** A UTC day, `2026-11-28`. Totals are by UTC day. */
export const dayOf = (at: Seconds): string => new Date(at * 1000).toISOString().slice(0, 10);

/** The UTC day `days` before another. */
export const daysBefore = (day: string, days: number): string =>
  dayOf(Date.parse(`${day}T00:00:00Z`) / 1000 - days * DAY);
