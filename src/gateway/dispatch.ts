import type { Tool } from '../catalog/tool.ts';
import { originOf, upstreamUrlOf } from '../catalog/upstream.ts';
import type { Config } from '../config.ts';
import type { Hex } from '../core/hex.ts';
import { ok } from '../core/result.ts';
import { bodyDigest } from '../crypto/digest.ts';
import { isBodiless, readUpTo, resumed } from './body.ts';
import { chargeOf } from './charge.ts';
import type { Observed } from './observe.ts';
import { upstreamHeaders } from './request-headers.ts';
import { answerHeaders } from './response-headers.ts';

/** Origin that answers for a tool; the `aud` of its assertions (design §4.8). */
export const upstreamOrigin = (config: Config, tool: Tool): string =>
  originOf(tool, config.upstreamUrl);

/** What came of calling a tool. `charge`: what a tool of variable price wants for it, atomic units; absent: all that is reserved. */
export type Dispatched =
  /** Read whole: at most 64 KiB. `digest` is the SHA-256 of the body. */
  | {
      readonly kind: 'answered';
      readonly status: number;
      readonly headers: Headers;
      readonly body: Uint8Array<ArrayBuffer>;
      readonly digest: Hex;
      readonly charge?: bigint;
    }
  /** Longer, or an event stream: finished at its headers. */
  | {
      readonly kind: 'streaming';
      readonly status: number;
      readonly headers: Headers;
      readonly body: ReadableStream<Uint8Array>;
      readonly charge?: bigint;
    }
  /**
   * `timeout` and `dropped`: silence, and nobody knows whether the tool ran. `truncated`: it broke off. `payment`, `redirect`,
   * `encoding`, `overcharge`: an answer that must not be passed on.
   */
  | {
      readonly kind: 'failed';
      readonly reason:
        | 'timeout'
        | 'dropped'
        | 'truncated'
        | 'payment'
        | 'redirect'
        | 'encoding'
        | 'overcharge';
    };

/** What goes along with a request. */
export type Outgoing = {
  /** The caller's, of which the allow-list is sent on. */
  readonly headers: Headers;
  /** The JWS for `X-Agent-Assertion`. */
  readonly assertion: string;
  /** The most that this call may be charged, atomic units. */
  readonly most: bigint;
};

/** Answers up to this are read whole before they are passed on (design §3). */
export const MAX_WHOLE = 64 * 1024;

/** Encodings that the runtime undoes by itself. */
const DECODED = new Set(['', 'identity', 'gzip', 'br']);

/**
 * Calls the tool once. The tool's timeout covers headers and, for an answer that is read whole, its body. Never throws.
 *
 * Redirects are not followed (CWE-918): `fetch` would send the body and every custom header to a host that no rule has checked.
 */
export const dispatch = async (
  config: Config,
  tool: Tool,
  observed: Observed,
  outgoing: Outgoing,
): Promise<Dispatched> => {
  const aborter = new AbortController();
  const timer = setTimeout(() => aborter.abort(), tool.timeoutSeconds * 1000);
  try {
    const response = await fetch(upstreamUrlOf(tool, observed.target, config.upstreamUrl), {
      method: observed.method,
      headers: upstreamHeaders(outgoing.headers, tool, observed.contentType, outgoing.assertion),
      body: observed.body ?? null,
      redirect: 'manual',
      // An edge cache knows nothing of accounts: it would give one agent's answer to another, for money (law 10).
      cache: 'no-store',
      signal: aborter.signal,
    });
    if (isRedirect(response.status)) {
      // The Location is left out: it may hold a secret of the upstream.
      console.error({ event: 'upstream_redirect', tool: tool.id, status: response.status });
    }
    return await receive(response, observed.method, aborter.signal, (answered) =>
      chargeOf(answered, tool, outgoing.most),
    );
  } catch (cause) {
    if (aborter.signal.aborted) return { kind: 'failed', reason: 'timeout' };
    // The answer says only that the tool broke off: what broke is for whoever runs it.
    console.error({ event: 'upstream_dropped', tool: tool.id, cause: String(cause) });
    return { kind: 'failed', reason: 'dropped' };
  } finally {
    clearTimeout(timer);
  }
};

const receive = async (
  response: Response,
  method: string,
  signal: AbortSignal,
  charging: (headers: Headers) => ReturnType<typeof chargeOf>,
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
  if (isRedirect(status)) {
    await discard();
    return { kind: 'failed', reason: 'redirect' };
  }
  const encoding = response.headers.get('content-encoding')?.trim().toLowerCase() ?? '';
  if (!DECODED.has(encoding)) {
    await discard();
    return { kind: 'failed', reason: 'encoding' };
  }

  // Failures are free (law 4), whatever they would like to cost.
  const charged = status < 300 ? charging(response.headers) : ok(undefined);
  if (!charged.ok) {
    await discard();
    return { kind: 'failed', reason: charged.error };
  }
  const charge = charged.value === undefined ? {} : { charge: charged.value };

  const headers = answerHeaders(response.headers);
  const bodiless = isBodiless(status) || method === 'HEAD';
  if (response.body !== null && !bodiless && isEventStream(response.headers)) {
    return { kind: 'streaming', status, headers, body: response.body, ...charge };
  }
  const reading = await readUpTo(response.body, MAX_WHOLE);
  if (reading.read === 'broken') {
    return { kind: 'failed', reason: signal.aborted ? 'timeout' : 'truncated' };
  }
  if (reading.read === 'over') {
    return {
      kind: 'streaming',
      status,
      headers,
      body: resumed(reading.head, reading.rest),
      ...charge,
    };
  }
  const declared = response.headers.get('content-length');
  const plain = encoding === '' || encoding === 'identity';
  if (declared !== null && plain && !bodiless && Number(declared) !== reading.bytes.byteLength) {
    return { kind: 'failed', reason: 'truncated' };
  }
  return { ...(await answered(status, headers, reading.bytes)), ...charge };
};

/** 304 names no other place: it answers a conditional request (RFC 9110 §15.4.5). */
const isRedirect = (status: number): boolean => status >= 300 && status < 400 && status !== 304;

/** An answer that was read whole, or that the gateway gives itself. */
export const answered = async (
  status: number,
  headers: Headers,
  body: Uint8Array<ArrayBuffer>,
): Promise<Extract<Dispatched, { readonly kind: 'answered' }>> => ({
  kind: 'answered',
  status,
  headers,
  body,
  digest: await bodyDigest(body),
});

const isEventStream = (headers: Headers): boolean =>
  /^\s*text\/event-stream\s*(?:;|$)/i.test(headers.get('content-type') ?? '');
