import { canonicalJson } from '../../core/canonical-json.ts';
import { decodeBase64, encodeBase64, utf8 } from '../../crypto/bytes.ts';
import { isRecord } from '../json.ts';
import type { Message } from './messages.ts';

/** The keys of `_meta` for the values that a gateway sends in headers over HTTP (docs/mcp.md). */
const HEADERS = {
  'countersign/receipt': 'Agent-Receipt',
  'countersign/ratelimit': 'RateLimit',
  'countersign/ratelimit-policy': 'RateLimit-Policy',
  'countersign/challenge': 'WWW-Authenticate',
} as const;

/** Marks a block that the gateway wrote: the receipt's digest does not cover it. */
const WORDS = 'countersign/words';
const STATUS = 'countersign/status';
const RESULT_META = 'countersign/result-meta';
const PAYMENT_RESPONSE = ['x402/payment-response', 'x402.payment-response'] as const;
const TERMS = 'x402/error';

/**
 * Translates the response to a `tools/call` into the HTTP answer of the same call, so that the same code pays, repeats and verifies over
 * both: terms become a 402, a refusal its problem, and the blocks of a result the bytes that the tool answered.
 */
export const httpAnswerOf = ({ result, error }: Message): Response => {
  if (!isRecord(result)) return new Response(JSON.stringify(error ?? null), { status: 502 });
  const meta = isRecord(result['_meta']) ? result['_meta'] : {};
  const terms = termsOf(result, meta);
  if (terms !== undefined) return paymentRequired(terms);
  const headers = headersOf(meta);
  const isError = result['isError'] === true;
  const remote = remoteBody(result, meta);
  if (remote !== undefined) {
    return new Response(remote, { status: statusIn(meta[STATUS], isError ? 502 : 200), headers });
  }
  const structured = result['structuredContent'];
  if (isError && isRecord(structured) && isProblem(structured)) {
    headers.set('Content-Type', 'application/problem+json');
    const pause = structured['retry_after'];
    if (typeof pause === 'number') headers.set('Retry-After', pause.toString());
    // A tool may fail with a problem of its own. The receipt covers the bytes and status of the tool, whatever the problem states.
    const bytes = bodyOf(result['content']);
    return new Response(bytes.byteLength > 0 ? bytes : JSON.stringify(structured), {
      status: statusIn(meta[STATUS], statusIn(structured['status'], 502)),
      headers,
    });
  }
  const body = isBodiless(result) ? null : bodyOf(result['content']);
  return new Response(body, { status: statusIn(meta[STATUS], isError ? 502 : 200), headers });
};

type Terms = Readonly<Record<string, unknown>>;

/** The terms of an unpaid call, in any dialect of servers (docs/mcp.md). An answer without entries is not an offer. */
const termsOf = (
  { resultType, paymentRequired: extension, isError, structuredContent, content }: Message,
  meta: Message,
): Terms | undefined => {
  const [block]: readonly unknown[] = Array.isArray(content) ? content : [];
  const text = isRecord(block) && typeof block['text'] === 'string' ? block['text'] : '';
  const spellings =
    resultType === 'payment_required'
      ? [extension]
      : isError === true
        ? [structuredContent, meta[TERMS], objectIn(text)]
        : [];
  return spellings.find(
    (one): one is Terms => isRecord(one) && 'x402Version' in one && Array.isArray(one['accepts']),
  );
};

const objectIn = (text: string): unknown => {
  if (!text.startsWith('{')) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

const paymentRequired = (terms: Terms): Response =>
  terms['x402Version'] === 1
    ? Response.json(terms, { status: 402 })
    : new Response(null, {
        status: 402,
        headers: { 'PAYMENT-REQUIRED': encodeBase64(utf8(JSON.stringify(terms))) },
      });

const headersOf = (meta: Message): Headers => {
  const headers = new Headers();
  for (const [key, name] of Object.entries(HEADERS)) {
    const value = meta[key];
    if (typeof value === 'string' && isHeaderValue(value)) headers.set(name, value);
  }
  const paid = PAYMENT_RESPONSE.map((key) => meta[key]).find(isRecord);
  if (paid !== undefined) {
    headers.set('PAYMENT-RESPONSE', encodeBase64(utf8(JSON.stringify(paid))));
  }
  return headers;
};

/** Other characters would make `Headers` throw. */
const isHeaderValue = (value: string): boolean => /^[\x20-\x7e]{1,8192}$/.test(value);

const isProblem = ({ type, status }: Message): boolean =>
  typeof type === 'string' && typeof status === 'number';

const statusIn = (status: unknown, otherwise: number): number =>
  typeof status === 'number' && Number.isInteger(status) && status >= 200 && status <= 599
    ? status
    : otherwise;

/** Statuses whose answers have no body (Fetch standard, "null body status"). */
const isBodiless = ({ _meta }: Message): boolean =>
  isRecord(_meta) && [204, 205, 304].includes(Number(_meta[STATUS]));

/**
 * The bytes that the receipt of a remote server's result covers: its JCS form without `resultType` and without what the gateway and the SDK
 * added to `_meta`. Undefined for the result of any other tool.
 */
const remoteBody = (
  { _meta, resultType: _type, ...own }: Message,
  meta: Message,
): Uint8Array<ArrayBuffer> | undefined => {
  const keys = meta[RESULT_META];
  if (!Array.isArray(keys)) return undefined;
  const kept = Object.fromEntries(keys.map((key) => [String(key), meta[String(key)]]));
  const shown = keys.length === 0 ? own : { ...own, _meta: kept };
  return new Uint8Array(utf8(canonicalJson(shown)));
};

/** The bytes of the block that shows the tool's answer; empty if every block is the gateway's. */
const bodyOf = (content: unknown): Uint8Array<ArrayBuffer> => {
  const blocks: readonly unknown[] = Array.isArray(content) ? content : [];
  const shown = blocks.filter(isRecord).find((block) => !isWords(block));
  return new Uint8Array(bytesOfBlock(shown ?? {}));
};

const isWords = ({ _meta }: Message): boolean => isRecord(_meta) && _meta[WORDS] === true;

const bytesOfBlock = ({ text, data, resource }: Message): Uint8Array => {
  if (typeof text === 'string') return utf8(text);
  if (typeof data === 'string') return decodeBase64(data) ?? new Uint8Array();
  return isRecord(resource)
    ? bytesOfBlock({ text: resource['text'], data: resource['blob'] })
    : new Uint8Array();
};
