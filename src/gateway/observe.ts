import { pathFault } from '../catalog/path.ts';
import { findTool, type Routes } from '../catalog/route.ts';
import type { Tool } from '../catalog/tool.ts';
import { audienceOf, type Config } from '../config.ts';
import type { Hex } from '../core/account-id.ts';
import type { Reason } from '../core/reason.ts';
import { err, ok, type Result } from '../core/result.ts';
import { bodyDigest } from '../crypto/digest.ts';
import type { ObservedRequest } from '../intent/binding.ts';
import { requestDigest } from '../intent/request-digest.ts';
import { readUpTo } from './body.ts';

/** A request for a tool, as the gateway saw it: what every proof is held against (design §4.1). */
export type Observed = ObservedRequest & {
  /** The bytes that were hashed and go to the upstream; undefined for none. */
  readonly body: Uint8Array<ArrayBuffer> | undefined;
  /** `requestDigest` of all that a proof can be bound to. */
  readonly request: Hex;
};

/** What the wire form of an intent takes (`agentIntentSchema`): a longer one could be called, but never be signed for. */
const MAX_TARGET = 4096;
const MAX_CONTENT_TYPE = 256;

const SPLIT = /^[a-z][a-z0-9+.-]*:\/\/([^/?#\\]*)([^?#]*)/i;
const PRINTABLE = /^[\x20-\x7e]*$/;
const QUOTED = /"(?:[^"\\]|\\.)*"/g;

/**
 * Looks at a request for a tool, cheap to dear: URL, tool, headers, then one capped read of the body and its SHA-256. Never uses a
 * header that claims another URL or method. `routes`: of the catalogue as it is now.
 *
 * @returns the observation and its tool, or the reason to refuse; nothing is written or remembered in either case.
 */
export const observe = async (
  request: Request,
  config: Config,
  routes: Routes,
): Promise<Result<{ readonly observed: Observed; readonly tool: Tool }, Reason>> => {
  const located = locate(request.url);
  if (!located.ok) return located;

  const found = findTool(routes, request.method, located.value.pathname);
  if (found.route === 'not_found') return err({ reason: 'not_found' });
  if (found.route === 'method_not_allowed') {
    return err({ reason: 'method_not_allowed', allow: found.allow });
  }
  const observed = await look(request, config, found.tool, located.value.target);
  return observed.ok ? ok({ observed: observed.value, tool: found.tool }) : observed;
};

/** As `observe`, of a request for something that the gateway serves itself. */
export const observeOwn = async (
  request: Request,
  config: Config,
  tool: Tool,
): Promise<Result<Observed, Reason>> => {
  const located = locate(request.url);
  return located.ok ? look(request, config, tool, located.value.target) : located;
};

const look = async (
  request: Request,
  config: Config,
  tool: Tool,
  target: string,
): Promise<Result<Observed, Reason>> => {
  const encoding = request.headers.get('content-encoding')?.trim().toLowerCase() ?? '';
  if (encoding !== '' && encoding !== 'identity') return err({ reason: 'content_encoding' });
  const contentType = readContentType(request.headers);
  if (!contentType.ok) return contentType;
  const body = await readBody(request, tool);
  if (!body.ok) return body;

  const fields = {
    audience: audienceOf(config, request.url),
    tool: tool.id,
    method: request.method,
    target,
    contentType: contentType.value,
    payloadDigest: await bodyDigest(body.value),
  };
  return ok({
    ...fields,
    body: body.value.byteLength === 0 ? undefined : body.value,
    request: await requestDigest(fields),
  });
};

/** Path and target of a URL in its one form. The raw text is looked at too: parsing hides dot segments and backslashes. */
const locate = (
  href: string,
): Result<{ readonly pathname: string; readonly target: string }, Reason> => {
  const refuse = (hint: string) => err<Reason>({ reason: 'not_canonical', hint });
  const url = URL.parse(href);
  const [, authority = '', rawPath = ''] = SPLIT.exec(href) ?? [];
  if (url === null || authority === '') return refuse('is not an absolute http URL');
  if (authority.includes('@')) return refuse('names a user');
  if (url.hostname.endsWith('.')) return refuse('names a host with a trailing dot');
  const target = url.pathname + url.search;
  if (target.length > MAX_TARGET) return err({ reason: 'target_too_long', limit: MAX_TARGET });
  const fault = pathFault(rawPath === '' ? '/' : rawPath) ?? pathFault(url.pathname);
  return fault === undefined ? ok({ pathname: url.pathname, target }) : refuse(fault);
};

/** The one content type, trimmed; empty where none was sent. Repeats arrive joined by a comma, and servers differ in which they take. */
const readContentType = (headers: Headers): Result<string, Reason> => {
  const refuse = (hint: string) =>
    err<Reason>({ reason: 'malformed_request', field: 'content-type', hint });
  const value = headers.get('content-type')?.trim() ?? '';
  if (value.length > MAX_CONTENT_TYPE) {
    return refuse(`may have at most ${MAX_CONTENT_TYPE} characters`);
  }
  if (!PRINTABLE.test(value)) return refuse('must be printable ASCII');
  if (value.replace(QUOTED, '').includes(',')) return refuse('must be sent at most once');
  return ok(value);
};

const readBody = async (
  { method, headers, body }: Request,
  tool: Tool,
): Promise<Result<Uint8Array<ArrayBuffer>, Reason>> => {
  const limit = tool.maxBodyBytes;
  // Before a byte is buffered; a sender that says nothing, or lies, meets the same limit while reading.
  if (Number(headers.get('content-length') ?? 0) > limit) {
    return err({ reason: 'body_too_large', limit });
  }
  const reading = await readUpTo(body, limit);
  if (reading.read === 'broken') return err({ reason: 'body_incomplete' });
  if (reading.read === 'over') {
    await reading.rest.cancel().catch(() => undefined);
    return err({ reason: 'body_too_large', limit });
  }
  if (reading.bytes.byteLength > 0 && (method === 'GET' || method === 'HEAD')) {
    // fetch sends no body with these, so the tool would see another request than the one that was signed.
    return err({ reason: 'malformed_request', field: 'body', hint: `must be empty for ${method}` });
  }
  return ok(reading.bytes);
};
