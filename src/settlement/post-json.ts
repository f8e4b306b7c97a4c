import { readText } from '../core/read-text.ts';
import { err, ok, type Result } from '../core/result.ts';
import type { Seconds } from '../core/clock.ts';

/** Why a backend returned no JSON. Never contains the URL: RPC and facilitator URLs often hold an API key (CWE-532). */
export type HttpFault = {
  readonly kind: 'timeout' | 'connection' | 'redirect' | 'too_large' | 'not_json';
  /** From an answer that is not JSON: an overloaded proxy answers with an HTML page. */
  readonly retryAfter?: Seconds;
};

export type PostOptions = {
  /** Milliseconds for connecting, waiting and reading together. */
  readonly timeoutMs: number;
  /** The most bytes to read of an answer. */
  readonly maxBytes: number;
  readonly headers?: Readonly<Record<string, string>>;
};

/** A JSON answer of any status. */
export type Posted = {
  readonly status: number;
  readonly json: unknown;
  /** The value of `Retry-After`, if it is a number of seconds. */
  readonly retryAfter?: Seconds;
};

/**
 * POSTs JSON and reads a JSON answer of any status. Rejects redirects: only the operator may move a backend. Reads at most `maxBytes`
 * of the body. One timeout covers connecting, waiting and reading.
 */
export const postJson = async (
  url: string,
  body: unknown,
  options: PostOptions,
): Promise<Result<Posted, HttpFault>> =>
  exchangeJson(
    url,
    {
      method: 'POST',
      headers: {
        ...options.headers,
        'content-type': 'application/json',
        accept: 'application/json',
      },
      body: JSON.stringify(body),
    },
    options,
  );

/** GETs a JSON answer, within the same bounds. */
export const getJson = async (
  url: string,
  options: PostOptions,
): Promise<Result<Posted, HttpFault>> =>
  exchangeJson(url, { headers: { ...options.headers, accept: 'application/json' } }, options);

/** Sends a request unchanged and reads a JSON answer, within the same bounds: for services with a media type of their own. */
export const exchangeJson = async (
  url: string,
  init: RequestInit,
  { timeoutMs, maxBytes }: Pick<PostOptions, 'timeoutMs' | 'maxBytes'>,
): Promise<Result<Posted, HttpFault>> => {
  try {
    const response = await fetch(url, {
      ...init,
      redirect: 'manual',
      signal: AbortSignal.timeout(timeoutMs),
    });
    if (response.status >= 300 && response.status < 400) {
      await response.body?.cancel();
      return err({ kind: 'redirect' });
    }
    const text = await readText(response, maxBytes);
    if (text === undefined) return err({ kind: 'too_large' });
    const pause = retryAfterOf(response.headers);
    const json = parse(text);
    return json.ok
      ? ok({ status: response.status, json: json.value, ...pause })
      : err({ ...json.error, ...pause });
  } catch (error) {
    const timedOut =
      error instanceof Error && (error.name === 'TimeoutError' || error.name === 'AbortError');
    return err({ kind: timedOut ? 'timeout' : 'connection' });
  }
};

/** Reads `Retry-After` (RFC 9110 §10.2.3) in seconds; ignores a date. */
const retryAfterOf = (headers: Headers): { readonly retryAfter?: Seconds } => {
  const text = headers.get('retry-after') ?? '';
  return /^\d{1,9}$/.test(text) ? { retryAfter: Number(text) } : {};
};

const parse = (text: string): Result<unknown, HttpFault> => {
  try {
    return ok(JSON.parse(text) as unknown);
  } catch {
    return err({ kind: 'not_json' });
  }
};
