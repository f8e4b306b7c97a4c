/**
 * Runs work at most once per pause: at once if the last run is longer ago, otherwise when the pause is over. New work replaces work that
 * waits. Not durable: the work of an evicted object is lost, so an alarm must repeat it.
 */
export type Throttle = {
  /** @returns when the work has run. */
  (work: () => Promise<void>): Promise<void>;
  /** Replaces the work that waits. @returns false if none waits: nothing was done. Costs a busy object nothing for each commit. */
  replace(work: () => Promise<void>): boolean;
};

export const openThrottle = (pauseMs: number): Throttle => {
  let lastAt = -Infinity;
  let newest: () => Promise<void> = () => Promise.resolve();
  let waiting: Promise<void> | undefined;

  const runNewest = async (): Promise<void> => {
    lastAt = Date.now();
    await newest();
  };
  const runAfter = async (rest: number): Promise<void> => {
    await new Promise((resolve) => setTimeout(resolve, rest));
    waiting = undefined;
    await runNewest();
  };

  const throttle = async (work: () => Promise<void>): Promise<void> => {
    newest = work;
    const rest = lastAt + pauseMs - Date.now();
    // A clock that has stepped back must not delay the work for longer than the pause.
    const isQuiet = waiting === undefined && (rest <= 0 || rest > pauseMs);
    await (isQuiet ? runNewest() : (waiting ??= runAfter(rest)));
  };
  return Object.assign(throttle, {
    replace: (work: () => Promise<void>): boolean => {
      if (waiting === undefined) return false;
      newest = work;
      return true;
    },
  });
};
