import { quantile, spread, type Spread } from './statistics.ts';

/** An accepted payment: seconds since the measurement began. A payment that has not settled has an infinite `settledAt`. */
export type Sale = { readonly acceptedAt: number; readonly settledAt: number };

/** Accepted and settled payments, in windows of ten seconds. */
export type Flow = {
  /** Payments a second, over the windows. */
  readonly accepted: Spread;
  readonly settled: Spread;
  /** Number of accepted payments that had not settled, as the mean of each window. */
  readonly backlog: readonly number[];
  /** Payments a second by which the backlog grew, from the mean of the second window to that of the last. */
  readonly backlogGrowth: number;
  /** Seconds from acceptance to settlement of all payments that were accepted after the measurement began. */
  readonly delay: { readonly p50: number; readonly p99: number };
};

const WINDOW = 10;
/** Samples of the backlog in each window: the backlog rises and falls with every block. */
const SAMPLES = 100;

const within = (times: readonly number[], from: number, to: number): number =>
  times.filter((at) => at >= from && at < to).length;

/** Computes the flow of the first `seconds`. Sales that were accepted before the measurement count in the backlog. */
export const flowOf = (sales: readonly Sale[], seconds: number): Flow => {
  const acceptedAt = sales.map((sale) => sale.acceptedAt);
  const settledAt = sales.map((sale) => sale.settledAt);
  const starts = Array.from({ length: Math.floor(seconds / WINDOW) }, (_, at) => at * WINDOW);
  const perSecond = (times: readonly number[]): Spread =>
    spread(starts.map((start) => within(times, start, start + WINDOW) / WINDOW));
  const backlogAt = (time: number): number =>
    within(acceptedAt, -Infinity, time) - within(settledAt, -Infinity, time);
  const backlog = starts.map((start) => {
    const samples = Array.from({ length: SAMPLES }, (_, at) =>
      backlogAt(start + (at * WINDOW) / SAMPLES),
    );
    return samples.reduce((sum, one) => sum + one, 0) / SAMPLES;
  });
  const delays = sales
    .filter((sale) => sale.acceptedAt >= 0)
    .map((sale) => sale.settledAt - sale.acceptedAt);
  const [, second = 0] = backlog;
  return {
    accepted: perSecond(acceptedAt),
    settled: perSecond(settledAt),
    backlog,
    backlogGrowth:
      backlog.length < 3 ? 0 : ((backlog.at(-1) ?? 0) - second) / ((backlog.length - 2) * WINDOW),
    delay: { p50: quantile(delays, 0.5), p99: quantile(delays, 0.99) },
  };
};
