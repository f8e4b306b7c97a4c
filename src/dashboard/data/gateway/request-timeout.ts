const TIMEOUT_MS = 30_000;

/**
 * Sends a request, and gives up if its answer does not begin in time. A feed may last longer once its answer has begun.
 *
 * A page does not read a list again while a read is running, so one hanging connection would stop the list for good.
 *
 * @param asked the signal of the request
 */
export const withTimeout = async <T>(
  asked: AbortSignal | undefined,
  send: (signal: AbortSignal) => Promise<T>,
): Promise<T> => {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), TIMEOUT_MS);
  try {
    return await send(asked === undefined ? late.signal : AbortSignal.any([asked, late.signal]));
  } finally {
    clearTimeout(timer);
  }
};
