import { err, ok, type Result } from './result.ts';

/** Why no JSON answer came. Never carries the URL: RPC and facilitator URLs often hold an API key. */
export type HttpFault = {
  readonly kind: 'timeout' | 'connection' | 'redirect' | 'too_large' | 'not_json';
};

export type PostOptions = {
  /** Milliseconds for connecting, waiting and reading together. */
  readonly timeoutMs: number;
  /** The most bytes of an answer that are read. */
  readonly maxBytes: number;
};

/**
 * POSTs JSON and reads a JSON answer of any status. Redirects are refused (a backend that moved is a decision of the
 * operator, not of the backend), the body is read to at most `maxBytes`, and one timeout covers everything.
 */
export const postJson = async (
  url: string,
  body: unknown,
  options: PostOptions,
): Promise<Result<{ readonly status: number; readonly json: unknown }, HttpFault>> => {
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json' },
      body: JSON.stringify(body),
      redirect: 'manual',
      signal: AbortSignal.timeout(options.timeoutMs),
    });
    if (response.status >= 300 && response.status < 400) {
      await response.body?.cancel();
      return err({ kind: 'redirect' });
    }
    const text = await readText(response, options.maxBytes);
    if (text === undefined) return err({ kind: 'too_large' });
    const json = parse(text);
    return json.ok ? ok({ status: response.status, json: json.value }) : json;
  } catch (error) {
    const timedOut =
      error instanceof Error && (error.name === 'TimeoutError' || error.name === 'AbortError');
    return err({ kind: timedOut ? 'timeout' : 'connection' });
  }
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
