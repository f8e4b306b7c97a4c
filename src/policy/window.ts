import type { Seconds } from '../core/clock.ts';
import type { Window } from './policy.ts';

/** What was spent and held in the newest period of one window. Amounts are atomic units. */
export type WindowSpend = {
  /** When the period began, Unix seconds. */
  readonly start: Seconds;
  readonly spent: bigint;
  readonly held: bigint;
};

/** The period of a fixed UTC window that contains `now`; the end is exclusive. */
export const periodOf = (
  every: Window['every'],
  now: Seconds,
): { readonly start: Seconds; readonly end: Seconds } => {
  if (every === 'month') {
    const date = new Date(now * 1000);
    const year = date.getUTCFullYear();
    const month = date.getUTCMonth();
    return { start: Date.UTC(year, month, 1) / 1000, end: Date.UTC(year, month + 1, 1) / 1000 };
  }
  const length = every === 'hour' ? 3_600 : every === 'day' ? 86_400 : every;
  const start = now - (now % length);
  return { start, end: start + length };
};

/** A window's spend as of `now`: a new period starts from nothing. */
export const rolled = (
  spend: WindowSpend | undefined,
  every: Window['every'],
  now: Seconds,
): WindowSpend => {
  const { start } = periodOf(every, now);
  return spend !== undefined && spend.start >= start ? spend : { start, spent: 0n, held: 0n };
};

/** Names a window in storage and in limits: `hour`, `day`, `month`, or `<n>s`. */
export const windowName = (every: Window['every']): string =>
  typeof every === 'number' ? `${every}s` : every;

/** The window that `windowName` named. */
export const everyOf = (name: string): Window['every'] =>
  name === 'hour' || name === 'day' || name === 'month' ? name : Number(name.slice(0, -1));
