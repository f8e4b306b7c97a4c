import type { Seconds } from '../core/clock.ts';
import type { AssetId } from '../protocol/account-id.ts';

/** A limit per fixed window in UTC: a calendar window, or `seconds` counted from the Unix epoch. */
export type Window = {
  readonly every: 'hour' | 'day' | 'month' | Seconds;
  readonly limit: bigint;
  /** Limits spend in this asset only; otherwise each asset is counted separately. */
  readonly asset?: AssetId;
};

/** The counter of one window in its newest period. Amounts are atomic units. */
export type WindowSpend = {
  /** Start of the period, Unix seconds. */
  readonly start: Seconds;
  readonly spent: bigint;
  readonly held: bigint;
  /** Leased to children and not returned; `drawn` is the part that they report as spent. */
  readonly leased: bigint;
  readonly drawn: bigint;
  /** Part of `leased` less `drawn` that running calls of children hold, as they last reported. */
  readonly heldByDescendants: bigint;
  /** The limits for which the account has raised an alert in this period (`durable-objects/account/log/soft-limit.ts`). */
  readonly warned?: readonly string[];
};

/** The length of a window, or `lifetime`: one period without an end. */
export type Every = Window['every'] | 'lifetime';

/** Returns the period of a window that contains `now`; the end is exclusive. */
export const periodOf = (
  every: Every,
  now: Seconds,
): { readonly start: Seconds; readonly end: Seconds } => {
  if (every === 'lifetime') return { start: 0, end: Number.MAX_SAFE_INTEGER };
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

/** Returns a window's spend as of `now`: a new period starts at zero. */
export const rolled = (spend: WindowSpend | undefined, every: Every, now: Seconds): WindowSpend => {
  const { start } = periodOf(every, now);
  return spend !== undefined && spend.start >= start
    ? spend
    : { start, spent: 0n, held: 0n, leased: 0n, drawn: 0n, heldByDescendants: 0n };
};

/** Returns a window's name in storage and in limits: `hour`, `day`, `month`, `<n>s` or `lifetime`. */
export const windowName = (every: Every): string =>
  typeof every === 'number' ? `${every}s` : every;

/** Returns the window of a counter's name. A grant's counter has the grant in front: `<hash>/<name>`. */
export const everyOf = (counter: string): Every => {
  const name = counter.slice(counter.lastIndexOf('/') + 1);
  return name === 'hour' || name === 'day' || name === 'month' || name === 'lifetime'
    ? name
    : Number(name.slice(0, -1));
};

const LENGTHS: Readonly<Record<number, string>> = {
  1: 'second',
  60: 'minute',
  3_600: 'hour',
  86_400: 'day',
};

/** A window for people: 86400 is "per day". */
export const periodName = (every: Window['every']): string => {
  const length = typeof every === 'number' ? LENGTHS[every] : every;
  if (length !== undefined) return `per ${length}`;
  const seconds = Number(every);
  return seconds % 86_400 === 0 ? `per ${seconds / 86_400} days` : `per ${seconds} seconds`;
};
