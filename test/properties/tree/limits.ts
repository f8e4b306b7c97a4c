import type { Seconds } from '../../../src/core/clock.ts';

/** Limits by counter: `hour`, `day`, `month`, `<n>s` or `lifetime`. */
export type Limits = {
  readonly perCall?: bigint;
  readonly counters: Readonly<Record<string, bigint>>;
};

/** One grant of the chain that a call stands on, nearest first. Its limits count at whoever holds it. */
export type Link = {
  readonly grant: string;
  readonly issuer: string;
  readonly limits: Limits;
  readonly until: Seconds;
};

/** Who calls, by what right, and when. */
export type Caller = {
  readonly account: string;
  readonly chain: readonly Link[];
  readonly at: Seconds;
};

/** A limit with what is left of it. `key`: the account, or its grant that sets it. */
export type Left = {
  readonly account: string;
  readonly key: string;
  readonly name: string;
  readonly limit: bigint;
  readonly remaining: bigint;
};

/** Names the period of a counter that a time is in. */
export const periodOf = (name: string, at: Seconds): string => {
  if (name === 'lifetime') return '';
  if (name === 'month') return new Date(at * 1000).toISOString().slice(0, 7);
  const length = name === 'day' ? 86_400 : name === 'hour' ? 3_600 : Number(name.slice(0, -1));
  return String(Math.floor(at / length));
};

/** The smallest; undefined is no limit. */
export const least = (amounts: readonly (bigint | undefined)[]): bigint | undefined =>
  amounts.reduce((a, b) => (a === undefined || (b !== undefined && b < a) ? b : a), undefined);
