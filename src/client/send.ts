import type { Context } from './context.ts';
import type { FetchInit, Outgoing } from './outgoing.ts';

type Header = readonly [name: string, value: string];

/** How one sending differs from the others of its request. */
export type Sending = {
  /** The proof; absent for the unsigned first request. */
  readonly header?: Header;
  /** The secret of the proof, with a repeat. */
  readonly retryKey?: Header;
};

/**
 * Sends a request once and reads its answer by `read`, both within the timeout; what is left of the body afterwards may take
 * longer, e.g. a stream. With a proof, redirects are never followed.
 *
 * @throws what `fetch` and `read` throw; a `TimeoutError` when the time is over
 */
export const send = async <T>(
  context: Pick<Context, 'fetch' | 'timeoutMs'>,
  outgoing: Outgoing,
  { header, retryKey }: Sending,
  read: (response: Response) => Promise<T>,
): Promise<T> => {
  const headers = new Headers(outgoing.headers);
  if (header !== undefined) headers.set(...header);
  if (retryKey !== undefined) headers.set(...retryKey);
  const clock = new AbortController();
  const timer = setTimeout(() => clock.abort(timedOut()), context.timeoutMs);
  const signal =
    outgoing.signal === undefined ? clock.signal : AbortSignal.any([outgoing.signal, clock.signal]);
  const init: FetchInit = {
    ...outgoing.rest,
    method: outgoing.method,
    headers,
    redirect: header === undefined ? outgoing.redirect : 'manual',
    signal,
    ...(outgoing.body === undefined ? {} : { body: outgoing.body }),
  };
  try {
    const { fetch } = context;
    return await race(signal, async () => await read(await fetch(outgoing.url, init)));
  } finally {
    clearTimeout(timer);
  }
};

const timedOut = (): DOMException => new DOMException('The answer took too long.', 'TimeoutError');

/** The work, or its end: not every fetch that is passed in listens to its signal. */
export const race = async <T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> => {
  signal.throwIfAborted();
  let stop = (): void => undefined;
  const over = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason as Error);
    signal.addEventListener('abort', stop, { once: true });
  });
  try {
    return await Promise.race([work(), over]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
};
