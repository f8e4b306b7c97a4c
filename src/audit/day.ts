import type { Seconds } from '../core/clock.ts';

/** A day of UTC, `YYYY-MM-DD`. */
export type Day = string;

const SECONDS: Seconds = 86_400;

/** The day of a time. */
export const dayOf = (at: Seconds): Day => new Date(at * 1000).toISOString().slice(0, 10);

/** When a day begins. */
export const startOf = (day: Day): Seconds => Date.parse(`${day}T00:00:00Z`) / 1000;

/** The day so many days later, or earlier where that is below zero. */
export const daysAfter = (day: Day, days: number): Day => dayOf(startOf(day) + days * SECONDS);

/** How many days there are from one to another, both counted. */
export const daysBetween = (from: Day, to: Day): number =>
  (startOf(to) - startOf(from)) / SECONDS + 1;
