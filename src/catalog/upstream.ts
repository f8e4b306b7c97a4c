import * as z from 'zod/mini';
import { memoize } from '../core/bounded-map.ts';
import { egressFault, type EgressReach } from '../protocol/egress-url.ts';
import type { FieldFault } from '../protocol/fault.ts';
import { pathFault } from './path.ts';
import { fillPlaceholders, withPlaceholders } from './placeholder.ts';

/** The target of a tool's calls: an HTTP endpoint, a tool of a remote MCP server, or a Worker that is bound to this one. */
export type Upstream = HttpUpstream | RemoteTool | BoundWorker;

/**
 * Absolute URL, or a path below `UPSTREAM_URL`. For a `/*` path the rest is appended. A segment `{name}` is a placeholder: an HTTP call gives
 * its value in the query, an MCP call as an argument.
 */
export type HttpUpstream = string;

/** A tool of a remote MCP server. */
export type RemoteTool = {
  /** URL of the server's Streamable HTTP endpoint. */
  readonly mcp: string;
  /** The tool's name at the server. */
  readonly tool: string;
  /** `toolPin` of the definition that the operator accepted: 64 hex digits, lower case. */
  readonly pin: string;
};

/** A Worker of the same Cloudflare account, which no other client needs to reach. */
export type BoundWorker = {
  /** Name of the service binding in `wrangler.toml`. */
  readonly service: string;
  /** Path at the bound Worker, with placeholders like those of an HTTP upstream. For a `/*` path the rest is appended. */
  readonly path: string;
};

/** The operator's settings that decide whether an upstream can be called. */
export type UpstreamSettings = {
  /** Origin of upstreams that are paths. */
  readonly upstreamUrl: string | undefined;
  readonly reach: EgressReach;
  /** Names of the service bindings that this Worker has. */
  readonly services: readonly string[];
};

/** The fields of a tool that decide the URL of its calls. */
type Routed = { readonly path: string; readonly upstream: Upstream };

const HINT =
  'must be a path, or an absolute URL, without user, query, fragment, dot segments and trailing slash, whose segments may be placeholders ' +
  'like {id}; or {"mcp": url, "tool": name, ' +
  '"pin": hash}; or {"service": binding, "path": path}';
const PATH_HINT = 'must be a path, without query, fragment, dot segments and trailing slash';

const matching = (pattern: RegExp, hint: string) => z.string(hint).check(z.regex(pattern, hint));

/** The schema of `upstream`. `upstreamFault` decides whether the gateway may call it. */
export const upstreamSchema = z.union(
  [
    z.string(HINT).check(z.refine((text) => isUpstream(text), HINT)),
    z.strictObject({
      mcp: z.string('must be a URL'),
      tool: matching(/^[A-Za-z0-9_./:-]{1,128}$/, 'must be 1 to 128 of A-Z a-z 0-9 _ . / : -'),
      pin: matching(/^[0-9a-f]{64}$/, 'must be 64 hex digits, lower case'),
    }),
    z.strictObject({
      service: matching(/^[A-Za-z_][A-Za-z0-9_]{0,63}$/, 'must be the name of a binding'),
      path: matching(/^\//, PATH_HINT).check(z.refine((text) => isUpstream(text), PATH_HINT)),
    }),
  ],
  HINT,
);

/**
 * True if an HTTP upstream is unambiguous: a path, or an absolute http(s) URL, without user, query, fragment and trailing slash (`/`
 * alone, or an origin alone, is the root). `egressFault` decides whether the gateway may call it.
 */
export const isUpstream = (written: HttpUpstream): boolean => {
  const upstream = withPlaceholders(written, () => 'x');
  if (upstream.startsWith('/')) return isPlainPath(upstream);
  const url = URL.parse(upstream);
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:')) return false;
  // Comparing with the parsed URL rejects a user, a query, a default port and other spellings.
  if (upstream === url.origin) return true;
  return upstream === url.origin + url.pathname && isPlainPath(url.pathname);
};

const isPlainPath = (path: string): boolean =>
  path === '/' || (pathFault(path) === undefined && !path.endsWith('/') && !/[?#*{}]/.test(path));

/** True for a tool whose upstream is a tool of a remote MCP server. */
export const isRemote = <T extends { readonly upstream: Upstream }>(
  tool: T,
): tool is T & { readonly upstream: RemoteTool } =>
  typeof tool.upstream === 'object' && 'mcp' in tool.upstream;

/** Returns the name of the service binding that a tool calls; undefined for a tool with another upstream. */
export const serviceOf = ({ upstream }: { readonly upstream: Upstream }): string | undefined =>
  typeof upstream === 'object' && 'service' in upstream ? upstream.service : undefined;

/** True if the tool needs `UPSTREAM_URL`. */
export const isRelative = ({ upstream }: { readonly upstream: Upstream }): boolean =>
  typeof upstream === 'string' && upstream.startsWith('/');

/** Returns why the gateway may not call a URL of a tool's upstream, under any settings; undefined if it may. */
export const upstreamUrlFault = (
  tool: { readonly upstream: Upstream },
  reach: EgressReach,
): string | undefined => {
  if (isRemote(tool)) return egressFault(tool.upstream.mcp, reach);
  return typeof tool.upstream === 'string' && !isRelative(tool)
    ? egressFault(tool.upstream, reach)
    : undefined;
};

/** Returns the origin or binding that the settings lack for a tool's upstream; undefined if the gateway can call it. */
export const upstreamFault = (
  tool: { readonly upstream: Upstream },
  { upstreamUrl, services }: Pick<UpstreamSettings, 'upstreamUrl' | 'services'>,
): string | undefined => {
  if (isRelative(tool) && upstreamUrl === undefined)
    return 'is a path, and UPSTREAM_URL is not set';
  const service = serviceOf(tool);
  return service === undefined || services.includes(service)
    ? undefined
    : `names the service binding ${service}, which this Worker does not have`;
};

/** Returns the origin of a tool's upstream. That of a bound Worker is made of the binding's name, because the Worker needs no host. */
export const originOf = (tool: Routed, upstreamUrl: string | undefined): string =>
  originOfUrl(baseOf(tool, upstreamUrl));

/** As many upstreams as a large catalogue has. */
const CACHED_ORIGINS = 1024;

const originOfUrl = memoize(
  CACHED_ORIGINS,
  (url: string) => url,
  (url) => new URL(url).origin,
);

/**
 * Returns the URL of a call: the tool's upstream with its placeholders filled, the part that a wildcard matched, and the rest of the query,
 * exactly as signed.
 *
 * @param target canonical; `tool` is the tool of its path, and not one of a remote MCP server.
 * @throws Error for a placeholder without a value; `placeholderFault` finds it before the call is reserved
 */
export const upstreamUrlOf = (
  tool: Routed,
  target: string,
  upstreamUrl: string | undefined,
): string => {
  const search = searchOf(target);
  const filled = fillPlaceholders(baseOf(tool, upstreamUrl), search);
  if (!filled.ok) throw new Error(`${filled.error.field} ${filled.error.reason}`);
  const { upstream: base, search: rest } = filled.value;
  if (!tool.path.endsWith('/*')) return base + rest;
  const matched = target.slice(tool.path.length - 2, target.length - search.length);
  return base.replace(/\/$/, '') + matched + rest;
};

/** Returns the query of a target with its question mark; empty without one. */
const searchOf = (target: string): string => {
  const at = target.indexOf('?');
  return at < 0 ? '' : target.slice(at);
};

/** Returns the part of an upstream that may hold placeholders. */
export const templateOf = (upstream: Upstream): string => {
  if (typeof upstream === 'string') return upstream;
  return 'path' in upstream ? upstream.path : '';
};

/** Returns why a request does not fill the placeholders of its tool's upstream; undefined if it does. */
export const placeholderFault = (
  { upstream }: { readonly upstream: Upstream },
  target: string,
): FieldFault | undefined => {
  const filled = fillPlaceholders(templateOf(upstream), searchOf(target));
  return filled.ok ? undefined : filled.error;
};

/** @throws Error without `UPSTREAM_URL` for a relative upstream; `parseConfig` rejects that configuration */
const baseOf = (tool: Routed, upstreamUrl: string | undefined): string => {
  const { upstream } = tool;
  if (typeof upstream === 'object') {
    return 'mcp' in upstream
      ? upstream.mcp
      : `https://${upstream.service.toLowerCase()}.service.internal${upstream.path}`;
  }
  if (!isRelative(tool)) return upstream;
  if (upstreamUrl === undefined) throw new Error('a relative upstream needs UPSTREAM_URL');
  return upstreamUrl + upstream;
};
