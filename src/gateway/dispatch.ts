import type { Tool } from '../catalog/tool.ts';
import { originOf, upstreamUrlOf } from '../catalog/upstream.ts';
import type { Config } from '../config.ts';
import type { Hex } from '../core/account-id.ts';
import { bodyDigest } from '../crypto/digest.ts';
import { isBodiless, readUpTo, resumed } from './body.ts';
import type { Observed } from './observe.ts';
import { upstreamHeaders } from './request-headers.ts';
import { answerHeaders } from './response-headers.ts';

/** Origin that answers for a tool; the `aud` of its assertions (design §4.8). */
export const upstreamOrigin = (config: Config, tool: Tool): string =>
  originOf(tool, config.upstreamUrl);

/** What came of calling a tool. */
export type Dispatched =
  /** Read whole: at most 64 KiB. `digest` is the SHA-256 of the body. */
  | {
      readonly kind: 'answered';
      readonly status: number;
      readonly headers: Headers;
      readonly body: Uint8Array<ArrayBuffer>;
      readonly digest: Hex;
    }
  /** Longer, or an event stream: finished at its headers. */
  | {
      readonly kind: 'streaming';
      readonly status: number;
      readonly headers: Headers;
      readonly body: ReadableStream<Uint8Array>;
    }
  /**
   * `timeout` and `dropped`: silence, and nobody knows whether the tool ran. `truncated`: it broke off. `payment`, `encoding`: an
   * answer that must not be passed on.
   */
  | {
      readonly kind: 'failed';
      readonly reason: 'timeout' | 'dropped' | 'truncated' | 'payment' | 'encoding';
    };

/** Answers up to this are read whole before they are passed on (design §3). */
export const MAX_WHOLE = 64 * 1024;

/** Encodings that the runtime undoes by itself. */
const DECODED = new Set(['', 'identity', 'gzip', 'br']);

/**
 * Calls the tool once. Redirects are the tool's answer and are not followed: they could lead anywhere. The tool's timeout covers
 * headers and, for an answer that is read whole, its body. Never throws.
 *
 * @param headers the caller's, of which the allow-list is sent on.
 * @param assertion the JWS for `X-Agent-Assertion`.
 */
export const dispatch = async (
  config: Config,
  tool: Tool,
  observed: Observed,
  headers: Headers,
  assertion: string,
): Promise<Dispatched> => {
  const aborter = new AbortController();
  const timer = setTimeout(() => aborter.abort(), tool.timeoutSeconds * 1000);
  try {
    const response = await fetch(upstreamUrlOf(tool, observed.target, config.upstreamUrl), {
      method: observed.method,
      headers: upstreamHeaders(headers, tool, observed.contentType, assertion),
      body: observed.body ?? null,
      redirect: 'manual',
      // An edge cache knows nothing of accounts: it would give one agent's answer to another, for money (law 10).
      cache: 'no-store',
      signal: aborter.signal,
    });
    return await receive(response, observed.method, aborter.signal);
  } catch {
    return { kind: 'failed', reason: aborter.signal.aborted ? 'timeout' : 'dropped' };
  } finally {
    clearTimeout(timer);
  }
};

const receive = async (
  response: Response,
  method: string,
  signal: AbortSignal,
): Promise<Dispatched> => {
  const { status } = response;
  const discard = () => response.body?.cancel().catch(() => undefined);
  if (status < 200 || status > 599) {
    await discard();
    return { kind: 'failed', reason: 'dropped' };
  }
  // A 402 that is not ours would make the client pay a stranger, or pay again (law 5).
  if (status === 402) {
    await discard();
    return { kind: 'failed', reason: 'payment' };
  }
  const encoding = response.headers.get('content-encoding')?.trim().toLowerCase() ?? '';
  if (!DECODED.has(encoding)) {
    await discard();
    return { kind: 'failed', reason: 'encoding' };
  }

  const headers = answerHeaders(response.headers);
  const bodiless = isBodiless(status) || method === 'HEAD';
  if (response.body !== null && !bodiless && isEventStream(response.headers)) {
    return { kind: 'streaming', status, headers, body: response.body };
  }
  const reading = await readUpTo(response.body, MAX_WHOLE);
  if (reading.read === 'broken') {
    return { kind: 'failed', reason: signal.aborted ? 'timeout' : 'truncated' };
  }
  if (reading.read === 'over') {
    return { kind: 'streaming', status, headers, body: resumed(reading.head, reading.rest) };
  }
  const declared = response.headers.get('content-length');
  const plain = encoding === '' || encoding === 'identity';
  if (declared !== null && plain && !bodiless && Number(declared) !== reading.bytes.byteLength) {
    return { kind: 'failed', reason: 'truncated' };
  }
  return answered(status, headers, reading.bytes);
};

const answered = async (
  status: number,
  headers: Headers,
  body: Uint8Array<ArrayBuffer>,
): Promise<Dispatched> => ({
  kind: 'answered',
  status,
  headers,
  body,
  digest: await bodyDigest(body),
});

const isEventStream = (headers: Headers): boolean =>
  /^\s*text\/event-stream\s*(?:;|$)/i.test(headers.get('content-type') ?? '');
