import type { Tool } from './tool.ts';
import { pathFault } from './path.ts';

/**
 * True if a tool's upstream is unambiguous: a path, or an absolute http(s) URL, without user, query, fragment and trailing slash (`/`
 * alone, or an origin alone, is the root). `egressFault` decides whether the gateway may call it.
 */
export const isUpstream = (upstream: string): boolean => {
  if (upstream.startsWith('/')) return isPlainPath(upstream);
  const url = URL.parse(upstream);
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:')) return false;
  // Equality excludes a user, a query, a default port and other spellings.
  if (upstream === url.origin) return true;
  return upstream === url.origin + url.pathname && isPlainPath(url.pathname);
};

const isPlainPath = (path: string): boolean =>
  path === '/' || (pathFault(path) === undefined && !path.endsWith('/') && !/[?#*]/.test(path));

/** True if the tool needs `UPSTREAM_URL`. */
export const isRelative = (tool: Tool): boolean => tool.upstream.startsWith('/');

/** Returns the origin of a tool's upstream. */
export const originOf = (tool: Tool, upstreamUrl: string | undefined): string =>
  new URL(baseOf(tool, upstreamUrl)).origin;

/**
 * Returns the URL of a call: the tool's upstream, the part that a wildcard matched, and the query, both exactly as signed.
 *
 * @param target canonical; `tool` is the tool of its path.
 */
export const upstreamUrlOf = (
  tool: Tool,
  target: string,
  upstreamUrl: string | undefined,
): string => {
  const [, path = '', search = ''] = /^([^?]*)(.*)$/s.exec(target) ?? [];
  const base = baseOf(tool, upstreamUrl);
  if (!tool.path.endsWith('/*')) return base + search;
  return base.replace(/\/$/, '') + path.slice(tool.path.length - 2) + search;
};

/** @throws Error without `UPSTREAM_URL` for a relative upstream; `parseConfig` rejects that configuration */
const baseOf = (tool: Tool, upstreamUrl: string | undefined): string => {
  if (!isRelative(tool)) return tool.upstream;
  if (upstreamUrl === undefined) throw new Error('a relative upstream needs UPSTREAM_URL');
  return upstreamUrl + tool.upstream;
};
