import { pathFault } from '../catalog/path.ts';
import { findTool, type Routes } from '../catalog/route.ts';
import type { Tool } from '../catalog/tool.ts';
import { audienceOf, type Config } from '../config/config.ts';
import { err, ok, type Result } from '../core/result.ts';
import { nativeSha256 } from '../crypto/native-crypto.ts';
import { requestEncoding } from '../protocol/intent/binding.ts';
import type { Reason } from '../protocol/problem/reason.ts';
import { isOversized, discard, readUpTo } from './body.ts';
import type { ReceivedRequest, RequestHead } from './paid-request.ts';

/** The maximum lengths in the wire form of an intent (`agentIntentSchema`): a client could call a longer URL, but not sign for it. */
const MAX_TARGET = 4096;
const MAX_CONTENT_TYPE = 256;

const SPLIT = /^[a-z][a-z0-9+.-]*:\/\/([^/?#\\]*)([^?#]*)/i;
const PRINTABLE = /^[\x20-\x7e]*$/;
const QUOTED = /"(?:[^"\\]|\\.)*"/g;

/**
 * Reads the URL and headers of a request and finds its tool. Never reads the body: the gateway answers a caller without a proof from the
 * head alone. Ignores headers that claim another URL or method.
 *
 * @param routes of the current catalogue.
 */
export const observeHead = (
  request: Request,
  config: Config,
  routes: Routes,
): Result<{ readonly head: RequestHead; readonly tool: Tool }, Reason> => {
  const located = locate(request.url, config);
  if (!located.ok) return located;

  const found = findTool(routes, request.method, located.value.pathname);
  if (found.route === 'not_found') return err({ reason: 'not_found' });
  if (found.route === 'method_not_allowed') {
    return err({ reason: 'method_not_allowed', allow: found.allow });
  }
  const head = headOf(request, found.tool, located.value);
  return head.ok ? ok({ head: head.value, tool: found.tool }) : head;
};

/** Like `observeHead`, for a route that the gateway serves itself. */
export const observeOwnHead = (
  request: Request,
  config: Config,
  tool: Tool,
): Result<RequestHead, Reason> => {
  const located = locate(request.url, config);
  return located.ok ? headOf(request, tool, located.value) : located;
};

/**
 * Completes the head of a request with its body: one capped read and its SHA-256. The caller of this function must have seen a proof, so
 * that strangers cannot fill the memory of an isolate (CWE-400).
 */
export const observeBody = async (
  request: Request,
  tool: Tool,
  head: RequestHead,
): Promise<Result<ReceivedRequest, Reason>> => {
  const body = request.body === null ? EMPTY : await readBody(request, tool);
  if (!body.ok) return body;
  const fields = { ...head, payloadDigest: nativeSha256(body.value) };
  return ok({
    ...fields,
    body: body.value.byteLength === 0 ? undefined : body.value,
    request: nativeSha256(requestEncoding(fields)),
  });
};

const EMPTY = ok(new Uint8Array(0));

/** Reads head and body of a request whose proof is in its body. */
export const observeOwn = async (
  request: Request,
  config: Config,
  tool: Tool,
): Promise<Result<ReceivedRequest, Reason>> => {
  const head = observeOwnHead(request, config, tool);
  return head.ok ? observeBody(request, tool, head.value) : head;
};

const headOf = (
  { method, headers }: Request,
  tool: Tool,
  { audience, target }: Location,
): Result<RequestHead, Reason> => {
  const encoding = headers.get('content-encoding')?.trim().toLowerCase() ?? '';
  if (encoding !== '' && encoding !== 'identity') return err({ reason: 'content_encoding' });
  const contentType = readContentType(headers);
  return contentType.ok
    ? ok({ audience, tool: tool.id, method, target, contentType: contentType.value })
    : contentType;
};

/** The place that a URL names: the configured origin, the path, and the path with the query. */
type Location = {
  readonly audience: string;
  readonly pathname: string;
  readonly target: string;
};

/** Targets that a URL parser returns unchanged, without an escape or a dot segment in the path: most of them, so that few URLs are parsed. */
const PLAIN_TARGET = /^(?:\/[\w~-][\w.~-]*)+(?:\?[\w.~!$&()*+,;:@/?=%-]+)?$/;

const locatePlain = (href: string, { audiences }: Config): Location | undefined => {
  const audience = audiences.find((each) => href.startsWith(each) && href[each.length] === '/');
  const target = audience === undefined ? '' : href.slice(audience.length);
  if (audience === undefined || target.length > MAX_TARGET || !PLAIN_TARGET.test(target))
    return undefined;
  const end = target.indexOf('?');
  return { audience, pathname: end < 0 ? target : target.slice(0, end), target };
};

/** Locates a canonical URL. Checks the raw text too, because parsing resolves dot segments and backslashes. */
const locate = (href: string, config: Config): Result<Location, Reason> => {
  const plain = locatePlain(href, config);
  if (plain !== undefined) return ok(plain);
  const refuse = (hint: string) => err<Reason>({ reason: 'not_canonical', hint });
  const url = URL.parse(href);
  const [, authority = '', rawPath = ''] = SPLIT.exec(href) ?? [];
  if (url === null || authority === '') return refuse('is not an absolute http URL');
  if (authority.includes('@')) return refuse('names a user');
  if (url.hostname.endsWith('.')) return refuse('names a host with a trailing dot');
  const target = url.pathname + url.search;
  if (target.length > MAX_TARGET) return err({ reason: 'target_too_long', limit: MAX_TARGET });
  const fault = pathFault(rawPath === '' ? '/' : rawPath) ?? pathFault(url.pathname);
  return fault === undefined
    ? ok({ audience: audienceOf(config, href), pathname: url.pathname, target })
    : refuse(fault);
};

/**
 * Returns the content type, trimmed; empty if there is none. A repeated header arrives joined by commas, and servers disagree about which
 * value counts.
 */
const readContentType = (headers: Headers): Result<string, Reason> => {
  const refuse = (hint: string) =>
    err<Reason>({ reason: 'malformed_request', field: 'content-type', hint });
  const value = headers.get('content-type')?.trim() ?? '';
  if (value === '') return ok(value);
  if (value.length > MAX_CONTENT_TYPE) {
    return refuse(`may have at most ${MAX_CONTENT_TYPE} characters`);
  }
  if (!PRINTABLE.test(value)) return refuse('must be printable ASCII');
  if (value.replace(QUOTED, '').includes(',')) return refuse('must be sent at most once');
  return ok(value);
};

/** Reads the body of a request for a tool, or for one of the gateway's own routes, up to its limit. */
export const readBody = async (
  request: Request,
  tool: Pick<Tool, 'maxBodyBytes'>,
): Promise<Result<Uint8Array<ArrayBuffer>, Reason>> => {
  const { method, body } = request;
  const limit = tool.maxBodyBytes;
  // Rejects before it buffers a byte. A missing or wrong Content-Length meets the same limit while reading.
  if (isOversized(request.headers, limit)) return err({ reason: 'body_too_large', limit });
  const reading = await readUpTo(body, limit);
  if (reading.read === 'broken') return err({ reason: 'body_incomplete' });
  if (reading.read === 'over') {
    await discard(reading.rest);
    return err({ reason: 'body_too_large', limit });
  }
  if (reading.bytes.byteLength > 0 && (method === 'GET' || method === 'HEAD')) {
    // `fetch` sends no body with GET and HEAD, so the tool would get a request that differs from the signed one.
    return err({ reason: 'malformed_request', field: 'body', hint: `must be empty for ${method}` });
  }
  return ok(reading.bytes);
};

/** Requests the receipt as the last event of an event stream: `Agent-Receipt: stream`. */
export const RECEIPT_REQUEST = 'agent-receipt';

/**
 * Returns the fault of `Agent-Receipt` in a request. Rejects every value but `stream`: a caller that got no receipt could not prove what it
 * was charged.
 */
export const receiptRequestFault = (headers: Headers): Reason | undefined => {
  const value = headers.get(RECEIPT_REQUEST);
  return value === null || value === 'stream'
    ? undefined
    : {
        reason: 'malformed_request',
        field: RECEIPT_REQUEST,
        hint: 'must be stream, and sent at most once: it requests the receipt as the last event of an event stream',
      };
};

const DRY_RUN = 'dry-run';

/**
 * Reads `Dry-Run: ?1`, a boolean of RFC 9651. Rejects every other value: if it counted as false, a call that was meant as a dry run would
 * run and be charged.
 */
export const isDryRun = (headers: Headers): Result<boolean, Reason> => {
  const value = headers.get(DRY_RUN);
  return value === null || value === '?0' || value === '?1'
    ? ok(value === '?1')
    : err({
        reason: 'malformed_request',
        field: DRY_RUN,
        hint: 'must be ?1 or ?0, and sent at most once',
      });
};
