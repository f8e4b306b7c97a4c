import { pathFault } from '../catalog/path.ts';
import { findTool, type Routes } from '../catalog/route.ts';
import type { Tool } from '../catalog/tool.ts';
import { audienceOf, type Config } from '../config.ts';
import type { Reason } from '../protocol/problem/reason.ts';
import { err, ok, type Result } from '../core/result.ts';
import type { ObservedRequest } from '../protocol/intent/observed-request.ts';

/** A request whose body nobody has read: what its request line and headers say, as a proof is checked against it. */
export type Head = Omit<ObservedRequest, 'payloadDigest'>;

/** What the wire form of an intent takes (`agentIntentSchema`): a longer one could be called, but never be signed for. */
const MAX_TARGET = 4096;
const MAX_CONTENT_TYPE = 256;

const SPLIT = /^[a-z][a-z0-9+.-]*:\/\/([^/?#\\]*)([^?#]*)/i;
const PRINTABLE = /^[\x20-\x7e]*$/;
const QUOTED = /"(?:[^"\\]|\\.)*"/g;

/**
 * Reads the URL, the tool and the headers of a request, and never its body: a caller without a proof is answered from these alone.
 * Ignores headers that claim another URL or method. `routes`: of the catalogue as it is now.
 *
 * @returns the head and the tool, or the reason to refuse.
 */
export const readHead = (
  request: Request,
  config: Config,
  routes: Routes,
): Result<{ readonly head: Head; readonly tool: Tool }, Reason> => {
  const located = locate(request.url);
  if (!located.ok) return located;

  const found = findTool(routes, request.method, located.value.pathname);
  if (found.route === 'not_found') return err({ reason: 'not_found' });
  if (found.route === 'method_not_allowed') {
    return err({ reason: 'method_not_allowed', allow: found.allow });
  }
  const head = headOf(request, config, found.tool, located.value.target);
  return head.ok ? ok({ head: head.value, tool: found.tool }) : head;
};

/** As `readHead`, of a request for something that the gateway serves itself. */
export const readOwnHead = (request: Request, config: Config, tool: Tool): Result<Head, Reason> => {
  const located = locate(request.url);
  return located.ok ? headOf(request, config, tool, located.value.target) : located;
};

const headOf = (
  { url, method, headers }: Request,
  config: Config,
  tool: Tool,
  target: string,
): Result<Head, Reason> => {
  const encoding = headers.get('content-encoding')?.trim().toLowerCase() ?? '';
  if (encoding !== '' && encoding !== 'identity') return err({ reason: 'content_encoding' });
  const contentType = readContentType(headers);
  return contentType.ok
    ? ok({
        audience: audienceOf(config, url),
        tool: tool.id,
        method,
        target,
        contentType: contentType.value,
      })
    : contentType;
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
