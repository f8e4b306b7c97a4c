import type { Seconds } from '../../../src/core/clock.ts';

/** Limits by counter: `hour`, `day`, `month`, `<n>s` or `lifetime`. */
export type Limits = {
  readonly perCall?: bigint;
  readonly counters: Readonly<Record<string, bigint>>;
};

/** A grant in the chain of a call, nearest first. Its limits count at its delegate. */
export type Link = {
  readonly grant: string;
  readonly issuer: string;
  readonly limits: Limits;
  readonly until: Seconds;
};

/** A call's account, grants and time. */
export type Caller = {
  readonly account: string;
  readonly chain: readonly Link[];
  readonly at: Seconds;
};

/** A limit and its remaining amount. `key`: the account or grant that sets the limit. */
export type Left = {
  readonly account: string;
  readonly key: string;
  readonly name: string;
  readonly limit: bigint;
  readonly remaining: bigint;
};

/** Names the period of a counter that contains a time. */
export const periodOf = (name: string, at: Seconds): string => {
  if (name === 'lifetime') return '';
  if (name === 'month') return new Date(at * 1000).toISOString().slice(0, 7);
  const length = name === 'day' ? 86_400 : name === 'hour' ? 3_600 : Number(name.slice(0, -1));
  return String(Math.floor(at / length));
};

/** Returns the lowest limit. Undefined means no limit. */
export const least = (amounts: readonly (bigint | undefined)[]): bigint | undefined =>
  amounts.reduce((a, b) => (a === undefined || (b !== undefined && b < a) ? b : a), undefined);
