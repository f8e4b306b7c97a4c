import * as z from 'zod/mini';
import type { Tool } from '../catalog/tool.ts';
import { serviceOf, upstreamUrlOf } from '../catalog/upstream.ts';
import type { Config } from '../config/config.ts';
import type { Seconds } from '../core/clock.ts';
import { err, ok, type Result } from '../core/result.ts';
import { nativeSha256 } from '../crypto/native-crypto.ts';
import type { Call } from '../protocol/account/call.ts';
import { parseStrictJson } from '../protocol/strict-json.ts';
import { uint256 } from '../protocol/wire-fields.ts';
import { isBodiless, readUpTo, resumed } from './body.ts';
import type { SecretFetcher } from '../vault/egress.ts';
import type { BoundFetcher } from './gateway.ts';
import {
  type AnswerHeaders,
  type DispatchResult,
  MAX_WHOLE,
  type Metering,
  type ReceivedRequest,
} from './paid-request.ts';
import { headersFromUpstream, headersToUpstream } from './upstream-headers.ts';

/** The headers and limits that the gateway adds to the upstream request. */
export type Outgoing = {
  /** The caller's headers; an allow-list of them is forwarded. */
  readonly headers: Headers;
  /** The JWS for `X-Agent-Assertion`; undefined for a tool without one. */
  readonly assertion: string | undefined;
  /** The span that calls the tool; undefined if the call is not traced, and the caller's own header is forwarded. */
  readonly traceparent?: string | undefined;
  /** The maximum charge of this call, atomic units. */
  readonly maxCharge: bigint;
  /** Set for a tool with a meter. */
  readonly metering?: Metering | undefined;
  /** The Worker that serves a tool with a service binding, or the fetcher of a tool with secrets or a card. */
  readonly service: BoundFetcher | SecretFetcher | undefined;
  /**
   * Set if the caller cannot take a stream: the gateway reads every answer up to this many bytes completely, event streams included, and a
   * longer one has failed.
   */
  readonly readWhole?: number;
};

/** Opens what calls the tool instead of `fetch`, for a call that its account has reserved. */
export type FetcherOf = (reserved: Call) => Outgoing['service'];

/** Encodings that the runtime decodes. */
const DECODED = new Set(['', 'identity', 'gzip', 'br']);

/**
 * Calls the tool once. The tool's timeout covers the headers and, for an answer that is read completely, its body. Never throws.
 *
 * Follows no redirect (CWE-918): `fetch` would send the body and every custom header to a host that no rule has checked.
 */
export const dispatch = async (
  config: Config,
  tool: Tool,
  received: ReceivedRequest,
  outgoing: Outgoing,
): Promise<DispatchResult> => {
  const aborter = new AbortController();
  const calledAt = Date.now();
  const timer = setTimeout(() => aborter.abort(), tool.timeoutSeconds * 1000);
  try {
    const url = upstreamUrlOf(tool, received.target, config.upstreamUrl);
    const init: RequestInit = {
      method: received.method,
      headers: headersToUpstream(
        outgoing.headers,
        tool,
        received.contentType,
        outgoing.assertion,
        outgoing.traceparent,
      ),
      body: received.body ?? null,
      redirect: 'manual',
      // An edge cache would return one agent's paid answer to another agent (law 10).
      cache: 'no-store',
      signal: aborter.signal,
    };
    // A bound Worker has no host: without its binding the request would go to the public internet. Without its secrets the call would fail.
    const response =
      serviceOf(tool) === undefined && tool.secrets.length === 0 && tool.card === undefined
        ? await fetch(url, init)
        : await outgoing.service?.fetch(url, init);
    if (response === undefined) return { kind: 'failed', reason: 'dropped' };
    if (isRedirect(response.status)) {
      // Does not log the Location: it may contain a secret of the upstream.
      console.error({ event: 'upstream_redirect', tool: tool.id, status: response.status });
    }
    return await receive(response, {
      method: received.method,
      signal: aborter.signal,
      readWhole: outgoing.readWhole,
      calledAt,
      timeoutSeconds: tool.timeoutSeconds,
      charging: (answered) => chargeOf(answered, tool, outgoing.maxCharge),
      reading: (answered) => openReader(answered, outgoing),
    });
  } catch (cause) {
    if (aborter.signal.aborted) return { kind: 'failed', reason: 'timeout' };
    // Logged for the operator; the caller learns only that the tool broke off.
    console.error({ event: 'upstream_dropped', tool: tool.id, cause: String(cause) });
    return { kind: 'failed', reason: 'dropped' };
  } finally {
    clearTimeout(timer);
  }
};

type Receiving = {
  readonly method: string;
  readonly signal: AbortSignal;
  readonly readWhole: number | undefined;
  readonly calledAt: number;
  readonly timeoutSeconds: Seconds;
  readonly charging: (headers: Headers) => ReturnType<typeof chargeOf>;
  readonly reading: (headers: Headers) => ReturnType<typeof openReader>;
};

/** Opens what reads the usage of a success; undefined for a tool without a meter. Its code loads with the first metered call. */
const openReader = async (headers: Headers, { metering, maxCharge }: Outgoing) => {
  if (metering === undefined) return undefined;
  const { openUsageReader } = await import('./meter/usage-charge.ts');
  return openUsageReader(headers, metering, maxCharge);
};

const receive = async (
  response: Response,
  {
    method,
    signal,
    readWhole,
    calledAt,
    timeoutSeconds,
    charging,
    reading: openReading,
  }: Receiving,
): Promise<DispatchResult> => {
  const { status } = response;
  const discard = () => response.body?.cancel().catch(() => undefined);
  if (status < 200 || status > 599) {
    await discard();
    return { kind: 'failed', reason: 'dropped' };
  }
  // An upstream's 402 would make the client pay a third party, or pay twice (law 5).
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

  // Failures are free (law 4), so only a success is charged.
  const charged = status < 300 ? charging(response.headers) : ok(undefined);
  if (!charged.ok) {
    await discard();
    return { kind: 'failed', reason: charged.error };
  }
  const charge = charged.value === undefined ? {} : { charge: charged.value };

  const metered = status < 300 ? await openReading(response.headers) : undefined;

  const headers = headersFromUpstream(response.headers);
  const bodiless = isBodiless(status) || method === 'HEAD';
  const isEvents = isEventStream(response.headers);
  const streaming = (body: ReadableStream<Uint8Array>): DispatchResult => ({
    ...{ kind: 'streaming', status, headers, isEventStream: isEvents, body, calledAt },
    ...charge,
    ...(metered === undefined ? {} : { metered }),
  });
  if (response.body !== null && readWhole === undefined && !bodiless && isEvents) {
    return streaming(response.body);
  }
  const brokenOff = async (
    head: Uint8Array<ArrayBuffer>,
    reason: 'timeout' | 'truncated',
  ): Promise<DispatchResult> => {
    if (metered === undefined) return { kind: 'failed', reason };
    const { endBroken } = await import('./meter/read-metered.ts');
    const ended = endBroken(head, reason, metered);
    return 'kind' in ended ? ended : streaming(ended.body);
  };
  const length = response.headers.get('content-length');
  // The length of an encoded body says nothing about the decoded one.
  const isPlain = encoding === '' || encoding === 'identity';
  const declared = isPlain && length !== null ? Number(length) : undefined;
  if (metered !== undefined && readWhole !== undefined) {
    const { readMetered } = await import('./meter/read-metered.ts');
    const seconds = timeoutSeconds - (Date.now() - calledAt) / 1_000;
    return readMetered(
      { status, headers, body: response.body, metered },
      { bytes: readWhole, seconds, declared: bodiless ? undefined : declared, signal },
    );
  }
  // A read of the declared length keeps nothing of a body that breaks off, but a meter reads what arrived.
  const expected = metered === undefined ? declared : undefined;
  const reading = await readUpTo(response.body, readWhole ?? MAX_WHOLE, expected);
  if (reading.read === 'broken') {
    const reason = signal.aborted ? 'timeout' : 'truncated';
    return metered === undefined ? { kind: 'failed', reason } : brokenOff(reading.head, reason);
  }
  if (reading.read === 'over' && readWhole !== undefined) {
    await reading.rest.cancel().catch(() => undefined);
    return { kind: 'failed', reason: 'oversized' };
  }
  if (reading.read === 'over') return streaming(resumed(reading.head, reading.rest));
  if (declared !== undefined && !bodiless && declared !== reading.bytes.byteLength) {
    return brokenOff(reading.bytes, 'truncated');
  }
  if (metered === undefined) return { ...answered(status, headers, reading.bytes), ...charge };
  const { chargeWhole } = await import('./meter/usage-charge.ts');
  const used = chargeWhole(metered, reading.bytes);
  if (!used.ok) return { kind: 'failed', reason: 'usage', fault: used.error };
  const { body, charge: usage } = used.value;
  const isCut = body.byteLength < reading.bytes.byteLength;
  return {
    ...answered(status, headers, body),
    ...usage,
    ...(isCut ? { end: 'maximum' as const } : {}),
  };
};

/** 304 is not a redirect: it answers a conditional request (RFC 9110 §15.4.5). */
const isRedirect = (status: number): boolean => status >= 300 && status < 400 && status !== 304;

/** Builds the result for an answer whose body is known: one that was read completely, or the gateway's own. */
export const answered = (
  status: number,
  headers: AnswerHeaders,
  body: Uint8Array<ArrayBuffer>,
): Extract<DispatchResult, { readonly kind: 'answered' }> => ({
  kind: 'answered',
  status,
  headers,
  body,
  digest: nativeSha256(body),
});

const isEventStream = (headers: Headers): boolean =>
  /^\s*text\/event-stream\s*(?:;|$)/i.test(headers.get('content-type') ?? '');

/** The x402 reference server's header for a charge below the maximum. The gateway removes it from the answer. */
const CHARGE_HEADER = 'settlement-overrides';
const MAX_CHARGE_TEXT = 256;

const chargeSchema = z.strictObject({ amount: uint256 });

/**
 * Reads what a tool of variable price charges for the call: `Settlement-Overrides: {"amount":"<atomic units>"}`. A tool that charges more
 * than `maxCharge`, or whose header is unclear, has failed. A tool without the header charges its full price; if less is reserved the
 * call fails, because otherwise an agent could set the price of a tool that does not count.
 *
 * @returns undefined for the whole reserved amount, and for tools of a fixed price.
 */
const chargeOf = (
  headers: Headers,
  { pricing, price, meter }: Tool,
  maxCharge: bigint,
): Result<bigint | undefined, 'overcharge'> => {
  if (pricing === 'exact' || meter !== undefined) return ok(undefined);
  const text = headers.get(CHARGE_HEADER);
  if (text === null) return price <= maxCharge ? ok(undefined) : err('overcharge');
  // A repeated header arrives joined by a comma, which is not valid JSON: the gateway must not guess which amount is meant.
  const json = text.length > MAX_CHARGE_TEXT ? undefined : parseStrictJson(text);
  const parsed = json?.ok === true ? chargeSchema.safeParse(json.value) : undefined;
  return parsed?.success === true && parsed.data.amount <= maxCharge
    ? ok(parsed.data.amount)
    : err('overcharge');
};
