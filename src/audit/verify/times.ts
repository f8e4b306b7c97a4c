import type { Seconds } from '../../core/clock.ts';

/**
 * The first of the places from 0 to `length` - 1 for which a test holds, which then holds for all later ones; `length` if there is none.
 */
export const firstPlace = (length: number, holds: (place: number) => boolean): number => {
  let [low, high] = [0, length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (holds(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
};

/** The place of the first time that is not before another one. */
export const firstFrom = (times: readonly Seconds[], time: Seconds): number =>
  firstPlace(times.length, (place) => (times[place] ?? time) >= time);

/** The values of a fact over time. */
export type Course<T> = {
  /** When each value began, ascending. */
  readonly starts: readonly Seconds[];
  readonly values: readonly T[];
  /** The places of each value, ascending. */
  readonly placesOf: ReadonlyMap<T, readonly number[]>;
};

export const courseOf = <T>(starts: readonly Seconds[], values: readonly T[]): Course<T> => ({
  starts,
  values,
  placesOf: Map.groupBy(values.keys(), (place) => values[place] as T),
});

/** The places of the values that may have been in force in some part of a span of time, its end exclusive. */
export const placesIn = (
  starts: readonly Seconds[],
  from: Seconds,
  to: Seconds,
): readonly [number, number] => [
  Math.max(0, firstFrom(starts, from + 1) - 1),
  firstFrom(starts, to + 1),
];

/** Whether a value was in force during all of a time, or in a part of it. */
export const heldIn = <T>(
  { starts, placesOf }: Course<T>,
  value: T,
  from: Seconds,
  to: Seconds,
): 'always' | 'partly' | 'never' => {
  const [first, end] = placesIn(starts, from, to);
  const places = placesOf.get(value) ?? [];
  const count = firstFrom(places, end) - firstFrom(places, first);
  if (count === end - first) return 'always';
  return count > 0 ? 'partly' : 'never';
};

/** Prepares queries for the greatest value of a range; -1 for an empty range. */
export const createMaximum = (
  values: readonly bigint[],
): ((from: number, to: number) => bigint) => {
  // Of each level: the greatest of the 2^level values from each place.
  const levels: (readonly bigint[])[] = [values];
  for (let width = 1; width * 2 <= values.length; width *= 2) {
    const last = levels.at(-1) ?? [];
    levels.push(
      Array.from({ length: values.length - width * 2 + 1 }, (_, at) =>
        greater(last[at] ?? -1n, last[at + width] ?? -1n),
      ),
    );
  }
  return (from, to) => {
    if (from >= to) return -1n;
    const level = 31 - Math.clz32(to - from);
    const best = levels[level] ?? [];
    return greater(best[from] ?? -1n, best[to - 2 ** level] ?? -1n);
  };
};

const greater = (one: bigint, other: bigint): bigint => (one > other ? one : other);
