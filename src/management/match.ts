import type { Route } from './route.ts';

export type Match =
  | {
      readonly match: 'route';
      readonly route: Route;
      /** What stands in the path, by name, decoded and not yet read. */
      readonly params: Readonly<Record<string, string>>;
    }
  | { readonly match: 'method_not_allowed'; readonly allow: readonly string[] }
  | { readonly match: 'not_found' };

const paramsIn = (pattern: string, path: string): Readonly<Record<string, string>> | undefined => {
  const names = pattern.split('/');
  const segments = path.split('/');
  if (names.length !== segments.length) return undefined;
  const params: Record<string, string> = {};
  for (const [at, name] of names.entries()) {
    const segment = segments[at] ?? '';
    if (name.startsWith(':')) {
      const text = decoded(segment);
      if (text === undefined || text === '') return undefined;
      params[name.slice(1)] = text;
    } else if (name !== segment) return undefined;
  }
  return params;
};

/** Clients that are made of a description write a colon as `%3A`. */
const decoded = (segment: string): string | undefined => {
  try {
    return decodeURIComponent(segment);
  } catch {
    return undefined;
  }
};

/** Finds the route for a method and a path. */
export const match = (routes: readonly Route[], method: string, path: string): Match => {
  const here = routes.flatMap((route) => {
    const params = paramsIn(route.path, path);
    return params === undefined ? [] : [{ route, params }];
  });
  if (here.length === 0) return { match: 'not_found' };
  const found = here.find(({ route }) => route.method === method);
  return found === undefined
    ? { match: 'method_not_allowed', allow: here.map(({ route }) => route.method).toSorted() }
    : { match: 'route', ...found };
};
