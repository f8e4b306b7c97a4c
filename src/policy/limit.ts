import type { LimitState } from '../protocol/limit.ts';
import type { Seconds } from '../core/clock.ts';
import type { Meter, Rate, Source } from './policy.ts';
import { remainingCalls } from './rate.ts';

/** A limit in amounts, with what remains (never below zero). */
export const amounts = (rule: string, limit: bigint, spent: bigint, held: bigint): LimitState => {
  const left = limit - spent - held;
  return {
    rule,
    limit: limit.toString(),
    spent: spent.toString(),
    held: held.toString(),
    remaining: (left > 0n ? left : 0n).toString(),
  };
};

export const meterState = (
  { rule, name, limit, spent, held, resetsAt, window }: Meter,
  prefix = '',
): LimitState => ({
  ...amounts(prefix + (rule === 'window' ? `window:${name}` : rule), limit, spent, held),
  ...(resetsAt === undefined ? {} : { resetsAt }),
  ...(window === undefined ? {} : { window }),
});

export const rateState = (rate: Rate, arrival: number, now: Seconds, prefix = ''): LimitState => {
  const remaining = remainingCalls(rate, arrival, now);
  return {
    ...amounts(`${prefix}rate`, BigInt(rate.limit), BigInt(rate.limit - remaining), 0n),
    window: rate.seconds,
  };
};

/** Two policies may each have a day: their limits need two names. */
export const prefixOf = ({ origin: { kind } }: Source): string =>
  kind === 'owner' || kind === 'grant' ? `${kind}:` : '';

/** Says whose limit it is, where the reader could not know. */
export const attributed = ({ origin }: Source, limit: LimitState): LimitState =>
  origin.kind === 'default' || origin.kind === 'operator'
    ? limit
    : { ...limit, account: origin.account };

/** Every limit that has a remainder worth telling. What is leased from above is a slice, which says nothing of the limit there. */
export const limitsLeft = (sources: readonly Source[], now: Seconds): LimitState[] =>
  sources
    .filter(({ origin }) => origin.kind !== 'lease')
    .flatMap((source) => {
      const { policy, meters, arrival } = source;
      const prefix = prefixOf(source);
      const limits = meters.map((meter) => meterState(meter, prefix));
      if (policy.rate !== undefined && arrival !== undefined) {
        limits.push(rateState(policy.rate, arrival, now, prefix));
      }
      return limits.map((limit) => attributed(source, limit));
    });
