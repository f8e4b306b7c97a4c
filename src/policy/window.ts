import type { Seconds } from '../core/clock.ts';
import type { Window } from './policy.ts';

/** What was spent and held in the newest period of one window. Amounts are atomic units. */
export type WindowSpend = {
  /** When the period began, Unix seconds. */
  readonly start: Seconds;
  readonly spent: bigint;
  readonly held: bigint;
  /** Given to accounts below and not given back; `drawn` is what they say they have spent of it (design §5, leases). */
  readonly leased: bigint;
  readonly drawn: bigint;
  /** Part of `leased` less `drawn` that running calls of accounts below hold, as those last reported. */
  readonly heldBelow: bigint;
  /** The limits of which was said in this period that they are nearly used up (`crossings` in soft-limit.ts). */
  readonly warned?: readonly string[];
};

/** A window of a policy, or `lifetime`: one period without an end. */
export type Every = Window['every'] | 'lifetime';

/** The period of a fixed UTC window that contains `now`; the end is exclusive. */
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

/** A window's spend as of `now`: a new period starts from nothing. */
export const rolled = (spend: WindowSpend | undefined, every: Every, now: Seconds): WindowSpend => {
  const { start } = periodOf(every, now);
  return spend !== undefined && spend.start >= start
    ? spend
    : { start, spent: 0n, held: 0n, leased: 0n, drawn: 0n, heldBelow: 0n };
};

/** Names a window in storage and in limits: `hour`, `day`, `month`, `<n>s` or `lifetime`. */
export const windowName = (every: Every): string =>
  typeof every === 'number' ? `${every}s` : every;

/** The window that `windowName` named; a grant's counter has the grant in front, as `<hash>/<name>`. */
export const everyOf = (counter: string): Every => {
  const name = counter.slice(counter.lastIndexOf('/') + 1);
  return name === 'hour' || name === 'day' || name === 'month' || name === 'lifetime'
    ? name
    : Number(name.slice(0, -1));
};
