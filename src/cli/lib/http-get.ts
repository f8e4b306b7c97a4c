import { readJsonBody } from '../../client/json.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { cliErrorOf } from './errors.ts';

export type HttpAnswer = {
  readonly status: number;
  readonly headers: Headers;
  /** Undefined if the body is not JSON. */
  readonly json: unknown;
  /** Unix milliseconds before the request left and after the headers arrived. */
  readonly from: number;
  readonly until: number;
};

const TIMEOUT_MS = 10_000;
const MAX_BODY = 4 * 1024 * 1024;

/**
 * GETs a URL without following redirects: a check must examine the host that the operator configured. The error is a sentence for
 * people.
 */
export const httpGet = async (
  url: string,
  signal: AbortSignal,
  headers: Readonly<Record<string, string>> = {},
): Promise<Result<HttpAnswer, string>> => {
  const from = Date.now();
  try {
    const response = await fetch(url, {
      redirect: 'manual',
      headers: { ...headers, accept: 'application/json' },
      signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
    });
    const until = Date.now();
    return ok({
      status: response.status,
      headers: response.headers,
      json: await readJsonBody(response, MAX_BODY),
      from,
      until,
    });
  } catch (error) {
    signal.throwIfAborted();
    return err(cliErrorOf(error).message);
  }
};
