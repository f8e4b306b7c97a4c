import type { FetchInit, Outgoing } from './outgoing.ts';

/** The transport of the client's requests. */
export type Transport = {
  readonly fetch: typeof globalThis.fetch;
  /** Milliseconds for one attempt, up to the part of the answer that the client reads. */
  readonly timeoutMs: number;
};

type Header = readonly [name: string, value: string];

/** The headers that one attempt adds to the request. */
export type Sending = {
  /** The proof; absent for the unsigned first request. */
  readonly header?: Header;
  /** `Agent-Retry-Key`, for a repeat. */
  readonly retryKey?: Header;
  /** Requests the receipt of a stream as its last event. */
  readonly receipt?: Header;
};

/**
 * Sends a request once and reads its answer with `read`, both within the timeout. The rest of the body may take longer, e.g. a stream.
 * Never follows a redirect with a proof.
 *
 * @throws the errors of `fetch` and `read`; a `TimeoutError` after the timeout
 */
export const send = async <T>(
  { fetch, timeoutMs }: Transport,
  outgoing: Outgoing,
  { header, retryKey, receipt }: Sending,
  read: (response: Response) => Promise<T>,
): Promise<T> => {
  const headers = new Headers(outgoing.headers);
  if (header !== undefined) headers.set(...header);
  if (retryKey !== undefined) headers.set(...retryKey);
  if (receipt !== undefined) headers.set(...receipt);
  const clock = new AbortController();
  const timer = setTimeout(() => clock.abort(timedOut()), timeoutMs);
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
    return await race(signal, async () => await read(await fetch(outgoing.url, init)));
  } finally {
    clearTimeout(timer);
  }
};

const timedOut = (): DOMException => new DOMException('The answer took too long.', 'TimeoutError');

/**
 * Settles with the work, or rejects with the signal's reason as soon as the signal aborts. The work itself may continue: a caller's
 * `fetch`, wallet or hook need not listen to a signal.
 */
export const race = async <T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> => {
  signal.throwIfAborted();
  let stop = (): void => undefined;
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason as Error);
    signal.addEventListener('abort', stop, { once: true });
  });
  try {
    return await Promise.race([work(), aborted]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
};

/** Waits `ms` milliseconds. Rejects with the signal's reason as soon as the signal aborts. */
export const sleep = async (ms: number, signal: AbortSignal | undefined): Promise<void> => {
  signal?.throwIfAborted();
  await new Promise<void>((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal?.reason as Error);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    }, ms);
    signal?.addEventListener('abort', stop, { once: true });
  });
};
