import type { Hex } from '../core/hex.ts';
import { bodyDigest } from '../crypto/bytes.ts';
import type { ObservedRequest } from '../protocol/intent/binding.ts';
import { RETRY_KEY_HEADER } from '../protocol/intent/retry-key.ts';
import { AGENT_INTENT_HEADER } from '../protocol/intent/agent-intent.ts';
import { PAYMENT_HEADER } from '../protocol/x402/headers.ts';
import { CountersignError } from './errors.ts';
import { RECEIPT_HEADER } from './receipt-claims.ts';

export type FetchInput = Parameters<typeof globalThis.fetch>[0];
export type FetchInit = NonNullable<Parameters<typeof globalThis.fetch>[1]>;

/** A request exactly as the client sends it, in every attempt: the same body bytes, URL and content type. */
export type Outgoing = {
  readonly url: string;
  readonly origin: string;
  readonly method: string;
  /** `pathname + search` of the WHATWG URL, as `fetch` sends it. */
  readonly target: string;
  readonly contentType: string;
  readonly payloadDigest: Hex;
  /** The tool of a call over MCP. All calls of a server have one method and one URL there, and each tool its own price. */
  readonly resource?: string;
  readonly headers: Headers;
  readonly body: Uint8Array<ArrayBuffer> | undefined;
  /** The caller's choice for redirects. Applies to the unsigned request only. */
  readonly redirect: 'follow' | 'error' | 'manual';
  readonly signal: AbortSignal | undefined;
  /** The caller's other options for `fetch`, e.g. credentials or a dispatcher. */
  readonly rest: FetchInit;
};

const RESERVED = [
  ...[PAYMENT_HEADER[1], PAYMENT_HEADER[2], AGENT_INTENT_HEADER, RETRY_KEY_HEADER],
  RECEIPT_HEADER,
];
const MAX_TARGET = 4096;
const MAX_CONTENT_TYPE = 256;
const MAX_METHOD = 32;
const PRINTABLE = /^[\x20-\x7e]*$/;

/**
 * Reads the arguments of `fetch`, and the body once into bytes, so that the client sends exactly what it signs.
 *
 * @throws CountersignError `header_reserved`, `request_unsignable`
 */
export const readOutgoing = async (input: FetchInput, init?: FetchInit): Promise<Outgoing> => {
  const request = new Request(input, streaming(init));
  for (const name of RESERVED) {
    // A proof of the caller would bypass the agent's caps, and the request would carry two proofs.
    if (request.headers.has(name)) {
      throw new CountersignError('header_reserved', `The request already has the header ${name}.`);
    }
  }
  const url = new URL(request.url);
  url.hash = '';
  const target = url.pathname + url.search;
  const contentType = request.headers.get('content-type')?.trim() ?? '';
  requireSignable(request.method, MAX_METHOD, 'method');
  requireSignable(target, MAX_TARGET, 'target');
  requireSignable(contentType, MAX_CONTENT_TYPE, 'content type');
  const body = new Uint8Array(await request.arrayBuffer());
  return {
    url: url.href,
    origin: url.origin,
    method: request.method,
    target,
    contentType,
    payloadDigest: await bodyDigest(body),
    headers: new Headers(request.headers),
    body: body.byteLength === 0 ? undefined : body,
    redirect: request.redirect as Outgoing['redirect'],
    signal: init?.signal ?? (input instanceof Request ? input.signal : undefined) ?? undefined,
    rest: { ...keptOf(input), ...restOf(init) },
  };
};

/** Builds the request as a gateway with this audience observes it for this tool. */
export const observedAs = (
  { method, target, contentType, payloadDigest }: Outgoing,
  audience: string,
  tool: string,
): ObservedRequest => ({ audience, tool, method, target, contentType, payloadDigest });

const requireSignable = (text: string, limit: number, what: string): void => {
  if (text.length <= limit && PRINTABLE.test(text)) return;
  throw new CountersignError(
    'request_unsignable',
    `The client cannot sign the ${what} of the request.`,
  );
};

/** Node requires `duplex` for a stream body. The client reads the whole stream before it sends anything. */
const streaming = (init: FetchInit | undefined): FetchInit | undefined =>
  init?.body instanceof ReadableStream ? ({ duplex: 'half', ...init } as FetchInit) : init;

const SENT_BY_US = new Set(['method', 'headers', 'body', 'redirect', 'signal', 'duplex']);

const restOf = (init: FetchInit | undefined): FetchInit =>
  Object.fromEntries(Object.entries(init ?? {}).filter(([name]) => !SENT_BY_US.has(name)));

const KEPT = [
  'credentials',
  'mode',
  'cache',
  'referrer',
  'referrerPolicy',
  'integrity',
  'keepalive',
] as const;

/** The options of a Request that the client does not set itself. */
const keptOf = (input: FetchInput): FetchInit => {
  if (!(input instanceof Request)) return {};
  const fields: Readonly<Record<string, unknown>> = input as never;
  return Object.fromEntries(
    KEPT.flatMap((name) => {
      const value = fields[name];
      return value === undefined || value === '' || value === false ? [] : [[name, value]];
    }),
  );
};
