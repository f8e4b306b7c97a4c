import { HOP_BY_HOP } from '../catalog/forwardable.ts';
import type { Tool } from '../catalog/tool.ts';
import { originOf } from '../catalog/upstream.ts';
import { nowSeconds } from '../core/clock.ts';
import type { Hex } from '../core/hex.ts';
import { accountId } from '../protocol/account-id.ts';
import { ASSERTION_TYPE, assertionClaims } from '../protocol/receipt.ts';
import { PRIVATE } from './answer-headers.ts';
import type { Gateway } from './gateway.ts';
import type { AnswerHeaders, CheckedProof, ReceivedRequest } from './paid-request.ts';

const ASSERTION_HEADER = 'x-agent-assertion';

/** Forwarded besides `accept` and `accept-*`. The content type comes from the received request, because the proof covers it. */
const FORWARDED = new Set([
  'content-language',
  'user-agent',
  'range',
  'if-match',
  'if-none-match',
  'if-modified-since',
  'if-unmodified-since',
  'if-range',
  'traceparent',
]);

/** Attack: a caller asks for all of an answer but its end, where its usage is, and `missing` decides the charge. */
const PART_OF_ANSWER = new Set(['range', 'if-range']);

/**
 * Returns the headers that an upstream gets: an allow-list of the caller's, those that the tool asks for, and the assertion, if the tool
 * takes one. A traced call replaces `traceparent` by that of its own span. Nothing else passes, so the upstream never gets a proof, a credential or a claim of another URL (law 9).
 */
export const headersToUpstream = (
  headers: Headers,
  tool: Tool,
  contentType: string,
  assertion: string | undefined,
  traceparent?: string,
): Readonly<Record<string, string>> => {
  const named = connectionNamed(headers);
  const sent: Record<string, string> = {};
  const isReported = tool.meter?.usage.from === 'answer';
  // Names first: most values, such as the payment, are long and not forwarded.
  for (const name of headers.keys()) {
    const allowed =
      name === 'accept' ||
      name.startsWith('accept-') ||
      FORWARDED.has(name) ||
      tool.requestHeaders.includes(name);
    if (!allowed || named.has(name) || HOP_BY_HOP.has(name)) continue;
    if (isReported && PART_OF_ANSWER.has(name)) continue;
    sent[name] = headers.get(name) ?? '';
  }
  if (contentType !== '') sent['content-type'] = contentType;
  // The gateway hashes and stores the bytes themselves, and Content-Length shows only for an unencoded body whether it is complete.
  sent['accept-encoding'] = 'identity';
  if (assertion !== undefined) sent[ASSERTION_HEADER] = assertion;
  if (traceparent !== undefined) sent['traceparent'] = traceparent;
  return sent;
};

const DROPPED: ReadonlySet<string> = new Set([
  ...HOP_BY_HOP,
  // State and policy of the gateway's origin: a tool must not set them for other tools.
  'set-cookie',
  'set-cookie2',
  'clear-site-data',
  'strict-transport-security',
  'alt-svc',
  // A redirect that browsers follow on an answer of any status.
  'refresh',
  'service-worker-allowed',
  'public-key-pins',
  'nel',
  'report-to',
  'reporting-endpoints',
  // A challenge that would seem to come from the gateway.
  'www-authenticate',
  'authentication-info',
  // Each of these can make a cache keep a paid answer in spite of Cache-Control (law 10).
  'expires',
  'pragma',
  'age',
  'surrogate-control',
  'surrogate-key',
  // The runtime decodes and frames the body again.
  'content-encoding',
  'content-length',
  'extension-responses',
  // Meant for the gateway only; the receipt states the charge.
  'settlement-overrides',
]);

const DROPPED_FAMILY =
  /^(?:payment-|x-payment|agent-|x-agent-|ratelimit|access-control-|proxy-|cf-)|cache-control$/;

/** The account stores these headers, and HTTP clients reject more than 16 KiB of headers in all. */
const MAX_HEADERS = 8 * 1024;

/**
 * Returns the headers of a tool's answer that the caller gets, always with `Cache-Control: private, no-store`. Omits a header that would
 * pass 8 KiB in all.
 */
export const headersFromUpstream = (headers: Headers): AnswerHeaders => {
  const named = connectionNamed(headers);
  const kept: Record<string, string> = { ...PRIVATE };
  let length = 0;
  for (const [name, value] of headers) {
    if (DROPPED.has(name) || DROPPED_FAMILY.test(name) || named.has(name)) continue;
    const cost = name.length + value.length + 4;
    if (length + cost > MAX_HEADERS) continue;
    length += cost;
    kept[name] = value;
  }
  return kept;
};

/** Returns the names that `Connection` makes hop-by-hop (RFC 9110 §7.6.1), lower case. */
const connectionNamed = (headers: Headers): ReadonlySet<string> => {
  const value = headers.get('connection');
  return value === null
    ? NO_NAMES
    : new Set(value.split(',').map((name) => name.trim().toLowerCase()));
};

const NO_NAMES: ReadonlySet<string> = new Set();

/**
 * Signs `X-Agent-Assertion`, with which an upstream verifies that the call came through the gateway and what it may cost.
 *
 * @param attempt becomes the `jti`.
 * @returns undefined for a tool without an assertion.
 */
export const signAssertion = (
  { signer, config }: Gateway,
  tool: Tool,
  received: ReceivedRequest,
  checked: CheckedProof,
  attempt: Hex,
): string | undefined =>
  tool.assertion
    ? signer.sign(
        assertionClaims(
          {
            iss: received.audience,
            aud: originOf(tool, config.upstreamUrl),
            account: accountId(checked.network, checked.payer),
            call: checked.call,
            tool: tool.id,
            digest: received.payloadDigest,
            binding: checked.binding,
            max: checked.price,
            jti: attempt,
          },
          nowSeconds(),
        ),
        ASSERTION_TYPE,
      )
    : undefined;
