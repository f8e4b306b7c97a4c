import { lenient } from './path.ts';
import type { Tool } from './tool.ts';

/** The HTTP methods of tools. OPTIONS is CORS, and fetch sends no CONNECT and TRACE. */
export const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;

/** Returns the key of a tool's method and path: two tools with one key would hide each other. */
export const routeKey = ({ method, path }: Pick<Tool, 'method' | 'path'>): string =>
  `${method} ${path}`;

export type Route =
  | { readonly route: 'tool'; readonly tool: Tool }
  | { readonly route: 'method_not_allowed'; readonly allow: readonly string[] }
  | { readonly route: 'not_found' };

/** Tools by path, built once for many requests. The key of a wildcard is the beginning of its path, including the slash. */
export type Routes = {
  readonly exact: ReadonlyMap<string, readonly Tool[]>;
  readonly wildcard: ReadonlyMap<string, readonly Tool[]>;
  /** The paths as a lenient upstream reads them. */
  readonly lenientExact: ReadonlySet<string>;
  readonly lenientWildcard: ReadonlySet<string>;
  /** Length of the longest wildcard key: a longer beginning of a request's path needs no look-up. */
  readonly longest: number;
};

const WILDCARD = '/*';

export const routesOf = (tools: readonly Tool[]): Routes => {
  const exact = new Map<string, Tool[]>();
  const wildcard = new Map<string, Tool[]>();
  for (const tool of tools) {
    const [map, key] = tool.path.endsWith(WILDCARD)
      ? ([wildcard, tool.path.slice(0, -1)] as const)
      : ([exact, tool.path] as const);
    const there = map.get(key);
    if (there === undefined) map.set(key, [tool]);
    else there.push(tool);
  }
  const beginnings = [...wildcard.keys()];
  return {
    exact,
    wildcard,
    lenientExact: new Set([...exact.keys()].map(lenient)),
    lenientWildcard: new Set(beginnings.map((each) => each.toLowerCase())),
    longest: Math.max(0, ...beginnings.map(({ length }) => length)),
  };
};

/**
 * Finds the tool for a method and a canonical path: exact before wildcard, the longest wildcard first, and on one path a tool of this
 * method before one of `*`. Only the nearest path decides: another method on the path of an expensive tool does not fall through to a cheap
 * wildcard. HEAD does not match GET, because the caller would pay for an answer without a body.
 */
export const findTool = (routes: Routes, method: string, pathname: string): Route => {
  const atPath = routes.exact.get(pathname) ?? atWildcard(routes, pathname);
  if (atPath === undefined) return { route: 'not_found' };
  const tool =
    atPath.find((each) => each.method === method) ??
    atPath.find((each) => each.method === '*' && isServed(method));
  // A disabled tool keeps its path reserved. Otherwise a cheaper wildcard tool would start serving the same upstream route.
  if (tool !== undefined) return tool.disabled ? { route: 'not_found' } : { route: 'tool', tool };
  const allow = atPath
    .filter(({ disabled }) => !disabled)
    .flatMap((each) => (each.method === '*' ? METHODS : [each.method]));
  return allow.length === 0
    ? { route: 'not_found' }
    : { route: 'method_not_allowed', allow: [...new Set(allow)].toSorted() };
};

const isServed = (method: string): boolean => METHODS.some((each) => each === method);

/**
 * Returns the tools of the longest wildcard, unless a lenient upstream could take the path for a nearer one. `/` is the gateway's own page,
 * also with a tool at `/*`.
 */
const atWildcard = (routes: Routes, pathname: string): readonly Tool[] | undefined => {
  if (pathname === '/') return undefined;
  const here = longestBeginning(routes.wildcard, routes.longest, pathname);
  if (here === undefined) return undefined;
  // `/tools/Enrich` must not reach the tool of `/tools/*` if the upstream could serve the more expensive `/tools/enrich` for it.
  const plain = lenient(pathname);
  if (routes.lenientExact.has(plain)) return undefined;
  const nearest = longestBeginning(routes.lenientWildcard, routes.longest, `${plain}/`);
  if (nearest !== undefined && nearest.length > here.length) return undefined;
  return routes.wildcard.get(here);
};

/** Returns the longest beginning of the path, up to a slash, that is a key. */
export const longestBeginning = (
  keys: { has(key: string): boolean },
  longest: number,
  path: string,
): string | undefined => {
  let end = path.lastIndexOf('/', longest - 1);
  while (end >= 0) {
    const beginning = path.slice(0, end + 1);
    if (keys.has(beginning)) return beginning;
    end = end === 0 ? -1 : path.lastIndexOf('/', end - 1);
  }
  return undefined;
};
