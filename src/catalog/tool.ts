import type { Seconds } from '../core/clock.ts';
import type { Binding, SettlementMode } from '../protocol/account/call.ts';
import { pathFault } from './path.ts';

/** A tool that agents can call: one entry of `tools.json`, checked and with its defaults. */
export type Tool = {
  /** `[a-z0-9][a-z0-9._-]{0,63}`. Agents sign it and policies name it. */
  readonly id: string;
  /** HTTP method, or `*` for any. */
  readonly method: string;
  /** Path at the gateway; a trailing `/*` matches every path below. */
  readonly path: string;
  readonly description: string;
  readonly mimeType: string;
  /** Atomic units of a six-decimal dollar token; 0 only with settlement `free`. */
  readonly price: bigint;
  /** `upto` (written `{"max": "$0.10"}`): the price is a maximum, and the tool may charge less. Paid from credit only. */
  readonly pricing: 'exact' | 'upto';
  readonly settlement: SettlementMode;
  readonly onSilence: 'release' | 'keep';
  /** Absolute URL, or a path below `UPSTREAM_URL`. For a `/*` path the rest is appended. */
  readonly upstream: string;
  /** At most 25, or up to 300 with `onSilence: keep`. */
  readonly timeoutSeconds: Seconds;
  readonly maxBodyBytes: number;
  /** Request headers that the tool needs beyond the allow-list, lower case. */
  readonly requestHeaders: readonly string[];
  /** Whether the gateway signs `X-Agent-Assertion` for the upstream. */
  readonly assertion: boolean;
  readonly requireBinding: Binding;
  /** The parameters that policies may name, and the source of each. */
  readonly params: Readonly<Record<string, ParamSource>>;
  /** Whether offers describe the tool for indexes of x402, in the extension `bazaar`. */
  readonly bazaar: boolean;
  /** A disabled tool answers 404 and keeps its path reserved. */
  readonly disabled: boolean;
};

/** A JSON pointer into the body (RFC 6901), or a key of the query. */
export type ParamSource = { readonly pointer: string } | { readonly query: string };

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
