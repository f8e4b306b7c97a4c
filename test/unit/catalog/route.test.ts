import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { lenient } from '../../../src/catalog/path.ts';
import { findTool, METHODS, type Route, routesOf } from '../../../src/catalog/route.ts';
import type { Tool } from '../../../src/catalog/tool.ts';
import { toolOf } from '../gateway/fixture.ts';
import { runs } from '../../support/runs.ts';

const routes = routesOf([
  toolOf({ id: 'any', method: '*', path: '/tools/*' }),
  toolOf({ id: 'echo', method: '*', path: '/tools/echo/*' }),
  toolOf({ id: 'enrich', method: 'POST', path: '/tools/enrich' }),
  toolOf({ id: 'lookup', method: 'GET', path: '/lookup' }),
  toolOf({ id: 'put', method: 'PUT', path: '/lookup' }),
  toolOf({ id: 'mixed', method: '*', path: '/mixed' }),
  toolOf({ id: 'mixed-get', method: 'GET', path: '/mixed' }),
]);

const found = (method: string, path: string) => {
  const route = findTool(routes, method, path);
  return route.route === 'tool' ? route.tool.id : route;
};

describe('findTool', () => {
  it.each([
    ['GET', '/lookup', 'lookup'],
    ['PUT', '/lookup', 'put'],
    ['POST', '/tools/enrich', 'enrich'],
    ['GET', '/tools/other', 'any'],
    ['DELETE', '/tools/echo/a/b', 'echo'],
    ['GET', '/tools/echo/', 'echo'],
    ['GET', '/mixed', 'mixed-get'],
    ['POST', '/mixed', 'mixed'],
    ['HEAD', '/mixed', 'mixed'],
  ])('%s %s is %s', (method, path, id) => {
    expect(found(method, path)).toBe(id);
  });

  it.each(['/', '/tools', '/lookup/', '/lookup/x', '/LOOKUP', '/tool'])(
    'finds no tool at %s',
    (path) => {
      expect(found('GET', path)).toEqual({ route: 'not_found' });
    },
  );

  it('leaves / to the gateway, also with a wildcard at the root', () => {
    const everything = routesOf([toolOf({ id: 'all', method: '*', path: '/*' })]);
    expect(findTool(everything, 'POST', '/')).toEqual({ route: 'not_found' });
    expect(findTool(everything, 'POST', '/a')).toMatchObject({ tool: { id: 'all' } });
  });

  it('names the methods of a path', () => {
    expect(found('DELETE', '/lookup')).toEqual({
      route: 'method_not_allowed',
      allow: ['GET', 'PUT'],
    });
    expect(found('PROPFIND', '/mixed')).toEqual({
      route: 'method_not_allowed',
      allow: ['DELETE', 'GET', 'HEAD', 'PATCH', 'POST', 'PUT'],
    });
  });

  it('does not match HEAD with GET, which would be paid and return no body', () => {
    expect(found('HEAD', '/lookup')).toEqual({
      route: 'method_not_allowed',
      allow: ['GET', 'PUT'],
    });
  });

  it('does not fall through to a cheaper wildcard with another method', () => {
    expect(found('PUT', '/tools/enrich')).toEqual({ route: 'method_not_allowed', allow: ['POST'] });
  });

  it.each([
    '/tools/Enrich',
    '/tools/enrich/',
    '/tools/enrich;v=1',
    '/tools/enrich%3Bv',
    '/TOOLS/enrich',
  ])(
    'does not route %s, which an upstream may read as /tools/enrich, to the cheap wildcard',
    (path) => {
      expect(found('POST', path)).toEqual({ route: 'not_found' });
    },
  );

  it.each(['/tools/ECHO/x', '/tools/echo', '/tools/echo;v/x'])(
    'does not route %s to a wider wildcard than its own',
    (path) => {
      expect(found('GET', path)).toEqual({ route: 'not_found' });
    },
  );
});

/** Applies the routing rule tool by tool. The tables of `findTool` must return the same result. */
const byTheRule = (tools: readonly Tool[], method: string, pathname: string): Route => {
  const isWildcard = (path: string) => path.endsWith('/*');
  const rank = ({ path }: Tool) => (isWildcard(path) ? path.length : Number.MAX_SAFE_INTEGER);
  const bySpecificity = (a: Tool, b: Tool) => rank(b) - rank(a);
  const here = tools
    .filter(({ path }) =>
      isWildcard(path)
        ? pathname !== '/' && pathname.startsWith(path.slice(0, -1))
        : pathname === path,
    )
    .toSorted(bySpecificity);
  const nearest = tools
    .filter(({ path }) =>
      isWildcard(path)
        ? `${lenient(pathname)}/`.startsWith(path.slice(0, -1).toLowerCase())
        : lenient(pathname) === lenient(path),
    )
    .toSorted(bySpecificity)[0];
  if (here[0] === undefined || (nearest !== undefined && rank(nearest) > rank(here[0]))) {
    return { route: 'not_found' };
  }
  const atPath = here.filter(({ path }) => path === here[0]?.path);
  const served = METHODS.some((each) => each === method);
  const tool =
    atPath.find((each) => each.method === method) ??
    atPath.find((each) => each.method === '*' && served);
  if (tool !== undefined) return { route: 'tool', tool };
  const allow = atPath.flatMap((each) => (each.method === '*' ? METHODS : [each.method]));
  return { route: 'method_not_allowed', allow: [...new Set(allow)].toSorted() };
};

describe('the tables of findTool', () => {
  const segment = fc.constantFrom('a', 'A', 'b', 'ab', 'a;b', 'a%3bb', 'b.c');
  const path = fc.array(segment, { maxLength: 4 }).map((each) => `/${each.join('/')}`);
  const plain = path.map((each) => each.replaceAll(/;|%3b/g, ''));
  const toolPath = fc.oneof(
    plain,
    plain.map((each) => `${each === '/' ? '' : each}/*`),
  );
  const method = fc.constantFrom(...METHODS, 'TRACE');

  it('agree with the rule, for any tools and any request', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.oneof(method, fc.constant('*')), toolPath), { maxLength: 12 }),
        method,
        fc.oneof(
          path,
          path.map((each) => `${each}/`),
        ),
        (places, asked, pathname) => {
          const tools = places.map(([each, at], id) =>
            toolOf({ id: `t${id}`, method: each, path: at }),
          );
          expect(findTool(routesOf(tools), asked, pathname)).toEqual(
            byTheRule(tools, asked, pathname),
          );
        },
      ),
      { numRuns: runs(20_000) },
    );
  });

  it('read only the tools of one path: a thousand cost no more than ten', () => {
    const many = Array.from({ length: 1_000 }, (_, at) =>
      toolOf({ id: `t${at}`, path: at % 2 === 0 ? `/tools/t${at}/*` : `/tools/t${at}` }),
    );
    let looked = 0;
    const watched = many.map(
      (tool) =>
        new Proxy(tool, {
          get: (target, key) => {
            looked += 1;
            return Reflect.get(target, key) as unknown;
          },
        }),
    );
    const tables = routesOf(watched);
    looked = 0;
    expect(findTool(tables, 'GET', '/tools/t998/x')).toMatchObject({ route: 'tool' });
    expect(findTool(tables, 'GET', '/tools/none')).toEqual({ route: 'not_found' });
    expect(looked).toBeLessThan(10);
  });
});
