import { err, ok, type Result } from './result.ts';
import type { Seconds } from './clock.ts';

/** Why no JSON answer came. Never carries the URL: RPC and facilitator URLs often hold an API key. */
export type HttpFault = {
  readonly kind: 'timeout' | 'connection' | 'redirect' | 'too_large' | 'not_json';
  /** Of an answer that is not JSON: a proxy that is busy answers a page. */
  readonly retryAfter?: Seconds;
};

export type PostOptions = {
  /** Milliseconds for connecting, waiting and reading together. */
  readonly timeoutMs: number;
  /** The most bytes of an answer that are read. */
  readonly maxBytes: number;
  readonly headers?: Readonly<Record<string, string>>;
};

/** A JSON answer of any status. */
export type Posted = {
  readonly status: number;
  readonly json: unknown;
  /** What `Retry-After` asks for, where it is a number of seconds. */
  readonly retryAfter?: Seconds;
};

/**
 * POSTs JSON and reads a JSON answer of any status. Redirects are refused (a backend that moved is a decision of the
 * operator, not of the backend), the body is read to at most `maxBytes`, and one timeout covers everything.
 */
export const postJson = async (
  url: string,
  body: unknown,
  options: PostOptions,
): Promise<Result<Posted, HttpFault>> =>
  exchange(
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
  exchange(url, { headers: { ...options.headers, accept: 'application/json' } }, options);

const exchange = async (
  url: string,
  init: RequestInit,
  { timeoutMs, maxBytes }: PostOptions,
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

/** RFC 9110 10.2.3, of whole seconds; a date is not read. */
const retryAfterOf = (headers: Headers): { readonly retryAfter?: Seconds } => {
  const text = headers.get('retry-after') ?? '';
  return /^\d{1,9}$/.test(text) ? { retryAfter: Number(text) } : {};
};

/** The body as UTF-8 text, or undefined when it is longer than `maxBytes`; what is beyond is never buffered. */
const readText = async (response: Response, maxBytes: number): Promise<string | undefined> => {
  if (response.body === null) return '';
  const decoder = new TextDecoder();
  let text = '';
  let bytes = 0;
  for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
    bytes += chunk.byteLength;
    // Leaving the loop cancels the stream.
    if (bytes > maxBytes) return undefined;
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
};

const parse = (text: string): Result<unknown, HttpFault> => {
  try {
    return ok(JSON.parse(text) as unknown);
  } catch {
    return err({ kind: 'not_json' });
  }
};
