import type { Seconds } from '../../../core/clock.ts';
import { type Problem, UNANSWERED } from '../gateway/problem.ts';

/** One of the readings that a page shows. */
export type Reading = {
  readonly at: Seconds | undefined;
  /** The period of its repeats. */
  readonly seconds: number;
  readonly problem: Problem | undefined;
  readonly refresh: () => void;
};

/** Only frequent reads count: facts that are read once an hour do not make the figures beside them old. */
const OFTEN_SECONDS = 60;

/** When the oldest of the readings was made: one moment for the whole page. */
export const oldestOf = (readings: readonly Reading[]): Seconds | undefined => {
  const often = readings.filter(({ seconds }) => seconds <= OFTEN_SECONDS);
  const moments = (often.length === 0 ? readings : often).flatMap(({ at }) =>
    at === undefined ? [] : [at],
  );
  return moments.length === 0 ? undefined : Math.min(...moments);
};

/** Whether a reading has missed two of its repeats. */
export const areLate = (readings: readonly Reading[], now: Seconds): boolean =>
  readings.some(({ at, seconds }) => at !== undefined && now - at > 2 * seconds);

/** The readings that the gateway did not answer. */
export const unansweredOf = (readings: readonly Reading[]): readonly Reading[] =>
  readings.filter(({ problem }) => problem?.type === UNANSWERED);
