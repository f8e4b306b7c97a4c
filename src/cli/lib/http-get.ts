import { readJsonBody } from '../../client/json.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { cliErrorOf } from './errors.ts';

export type Got = {
  readonly status: number;
  readonly headers: Headers;
  /** Undefined where the body is no JSON. */
  readonly json: unknown;
  /** Milliseconds before sending and after the headers came, Unix. */
  readonly from: number;
  readonly until: number;
};

const TIMEOUT_MS = 10_000;
const MAX_BODY = 4 * 1024 * 1024;

/** GETs a page; in words why not, where nothing came. Redirects are not followed: who is asked is who was named. */
export const httpGet = async (
  url: string,
  signal: AbortSignal,
  more: Readonly<Record<string, string>> = {},
): Promise<Result<Got, string>> => {
  const from = Date.now();
  try {
    const response = await fetch(url, {
      redirect: 'manual',
      headers: { ...more, accept: 'application/json' },
      signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
    });
    const until = Date.now();
    const { status, headers } = response;
    return ok({ status, headers, json: await readJsonBody(response, MAX_BODY), from, until });
  } catch (error) {
    signal.throwIfAborted();
    return err(cliErrorOf(error).message);
  }
};
