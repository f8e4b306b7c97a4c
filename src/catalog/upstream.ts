import type { Tool } from './tool.ts';
import { pathFault } from './path.ts';

/**
 * Whether a tool's upstream is written so that it can mean one place only: a path, or an absolute http(s) URL, without user,
 * query, fragment and trailing slash (`/` alone, or an origin alone, is the root). Whether that place may be called is for
 * `egressFault`.
 */
export const isUpstream = (upstream: string): boolean => {
  if (upstream.startsWith('/')) return isPlainPath(upstream);
  const url = URL.parse(upstream);
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:')) return false;
  // Equality leaves no room for a user, a query, a default port or another spelling.
  if (upstream === url.origin) return true;
  return upstream === url.origin + url.pathname && isPlainPath(url.pathname);
};

const isPlainPath = (path: string): boolean =>
  path === '/' || (pathFault(path) === undefined && !path.endsWith('/') && !/[?#*]/.test(path));

/** Whether a tool needs `UPSTREAM_URL`. */
export const isRelative = (tool: Tool): boolean => tool.upstream.startsWith('/');

/** Origin of the server that answers for a tool. */
export const originOf = (tool: Tool, upstreamUrl: string | undefined): string =>
  new URL(baseOf(tool, upstreamUrl)).origin;

/**
 * Where a call goes: the tool's upstream, for a `/*` path what the wildcard stood for, and the query, both byte for byte as
 * they were signed. `target` is canonical, and `tool` the one found for its path.
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

/** Config is refused when a relative tool has no `UPSTREAM_URL`. @throws Error in that case */
const baseOf = (tool: Tool, upstreamUrl: string | undefined): string => {
  if (!isRelative(tool)) return tool.upstream;
  if (upstreamUrl === undefined) throw new Error('a relative upstream needs UPSTREAM_URL');
  return upstreamUrl + tool.upstream;
};
