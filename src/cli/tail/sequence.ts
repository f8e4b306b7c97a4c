/** Items of several feeds, in the order of their times. */
export type Sequence<T> = {
  add(item: T): void;
  /** Passes on everything at once, before the command ends. */
  flush(): void;
};

/**
 * Holds each item for `holdMs`, then passes on everything that waits and is no later, oldest first. Race: feeds answer independently,
 * so what happened first may arrive last. An item that arrives later than the hold is passed on as soon as its own hold is over.
 */
export const createSequence = <T>(
  holdMs: number,
  timeOf: (item: T) => number,
  pass: (item: T) => void,
): Sequence<T> => {
  let waiting: readonly T[] = [];
  const passUpTo = (time: number): void => {
    const due = waiting.filter((item) => timeOf(item) <= time);
    waiting = waiting.filter((item) => timeOf(item) > time);
    // The sort is stable: what happened in the same second stays in the order of arrival, which is that of each log.
    for (const item of due.toSorted((one, other) => timeOf(one) - timeOf(other))) pass(item);
  };
  return {
    add: (item) => {
      waiting = [...waiting, item];
      setTimeout(() => passUpTo(timeOf(item)), holdMs);
    },
    flush: () => passUpTo(Number.POSITIVE_INFINITY),
  };
};
