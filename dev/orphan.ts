const POLL_MS = 200;

/**
 * Calls back once when the process that has started this one is gone. A parent that gets SIGKILL can tell nobody; but
 * its children are given to another process, and that shows.
 */
export const whenOrphaned = (callback: () => void): void => {
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    callback();
  }, POLL_MS);
  timer.unref();
};
