import { TrieRouter } from 'hono/router/trie-router';
import { type Route, ROUTES } from './routes.ts';

type Match =
  | {
      readonly match: 'route';
      readonly route: Route;
      /** The parameters of the path by name, percent-decoded but not parsed. */
      readonly params: Readonly<Record<string, string>>;
    }
  | { readonly match: 'method_not_allowed'; readonly allow: readonly string[] }
  | { readonly match: 'not_found' };

const router = new TrieRouter<Route>();
for (const route of ROUTES) router.add(route.method, route.path, route);

const METHODS = ['DELETE', 'GET', 'POST', 'PUT'] as const;

/** Finds the route for a method and a path. */
export const match = (method: string, path: string): Match => {
  const [[found]] = router.match(method, path);
  if (found === undefined) {
    const allow = METHODS.filter((each) => router.match(each, path)[0].length > 0);
    return allow.length === 0 ? { match: 'not_found' } : { match: 'method_not_allowed', allow };
  }
  const params = decoded(found[1] as Readonly<Record<string, string>>);
  return params === undefined
    ? { match: 'not_found' }
    : { match: 'route', route: found[0], params };
};

/** Undefined if a percent escape is malformed. Generated clients send the colons of an account id as `%3A`. */
const decoded = (
  params: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> | undefined => {
  try {
    return Object.fromEntries(
      Object.entries(params).map(([name, text]) => [name, decodeURIComponent(text)]),
    );
  } catch {
    return undefined;
  }
};
