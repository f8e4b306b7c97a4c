import { lenient } from './path.ts';
import type { Tool } from './tool.ts';

export type Route =
  | { readonly route: 'tool'; readonly tool: Tool }
  | { readonly route: 'method_not_allowed'; readonly allow: readonly string[] }
  | { readonly route: 'not_found' };

/** The methods a tool may be for; OPTIONS is CORS, and fetch sends no CONNECT and TRACE. */
export const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;

const isWildcard = (path: string): boolean => path.endsWith('/*');

const matches = (path: string, pathname: string): boolean =>
  isWildcard(path) ? pathname.startsWith(path.slice(0, -1)) : pathname === path;

const matchesLeniently = (path: string, pathname: string): boolean =>
  isWildcard(path)
    ? `${lenient(pathname)}/`.startsWith(path.slice(0, -1).toLowerCase())
    : lenient(pathname) === lenient(path);

/** Exact paths before wildcards, longer wildcards before shorter. */
const bySpecificity = (a: Tool, b: Tool): number => rank(b) - rank(a);

const rank = ({ path }: Tool): number => (isWildcard(path) ? path.length : Number.MAX_SAFE_INTEGER);

/**
 * Finds the tool for a method and a canonical path: exact before wildcard, the longest wildcard first, and on one path a tool
 * of this very method before one of any. The nearest path decides alone: another method on the path of a dear tool does not
 * fall through to a cheap wildcard. HEAD is not GET: a HEAD would be paid and give no answer.
 */
export const findTool = (tools: readonly Tool[], method: string, pathname: string): Route => {
  const here = tools.filter(({ path }) => matches(path, pathname)).toSorted(bySpecificity);
  // `/tools/Enrich` must not reach the tool of `/tools/*` where the upstream would take it for the dearer `/tools/enrich`.
  const nearest = tools
    .filter(({ path }) => matchesLeniently(path, pathname))
    .toSorted(bySpecificity)[0];
  if (here[0] === undefined || (nearest !== undefined && rank(nearest) > rank(here[0]))) {
    return { route: 'not_found' };
  }
  const atPath = here.filter(({ path }) => path === here[0]?.path);
  const tool =
    atPath.find((each) => each.method === method) ??
    atPath.find((each) => each.method === '*' && isServed(method));
  if (tool !== undefined) return { route: 'tool', tool };
  const allow = atPath.flatMap((each) => (each.method === '*' ? METHODS : [each.method]));
  return { route: 'method_not_allowed', allow: [...new Set(allow)].toSorted() };
};

const isServed = (method: string): boolean => METHODS.some((each) => each === method);
