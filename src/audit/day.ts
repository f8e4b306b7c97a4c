import type { Seconds } from '../core/clock.ts';

/** A UTC day, `YYYY-MM-DD`. */
export type Day = string;

const SECONDS: Seconds = 86_400;

export const dayOf = (at: Seconds): Day => new Date(at * 1000).toISOString().slice(0, 10);

export const startOf = (day: Day): Seconds => Date.parse(`${day}T00:00:00Z`) / 1000;

/** The day that many days later; earlier if negative. */
export const daysAfter = (day: Day, days: number): Day => dayOf(startOf(day) + days * SECONDS);

/** The number of days from one to another, both included. */
export const daysBetween = (from: Day, to: Day): number =>
  (startOf(to) - startOf(from)) / SECONDS + 1;
