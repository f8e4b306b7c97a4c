import { describe, expect, it } from 'vitest';
import { findTool } from '../../../src/catalog/route.ts';
import { toolOf } from '../gateway/fixture.ts';

const tools = [
  toolOf({ id: 'any', method: '*', path: '/tools/*' }),
  toolOf({ id: 'echo', method: '*', path: '/tools/echo/*' }),
  toolOf({ id: 'enrich', method: 'POST', path: '/tools/enrich' }),
  toolOf({ id: 'lookup', method: 'GET', path: '/lookup' }),
  toolOf({ id: 'put', method: 'PUT', path: '/lookup' }),
  toolOf({ id: 'mixed', method: '*', path: '/mixed' }),
  toolOf({ id: 'mixed-get', method: 'GET', path: '/mixed' }),
];

const found = (method: string, path: string) => {
  const route = findTool(tools, method, path);
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

  it.each(['/', '/tools', '/lookup/', '/lookup/x', '/LOOKUP', '/tool'])('knows no %s', (path) => {
    expect(found('GET', path)).toEqual({ route: 'not_found' });
  });

  it('says which methods there are', () => {
    expect(found('DELETE', '/lookup')).toEqual({
      route: 'method_not_allowed',
      allow: ['GET', 'PUT'],
    });
    expect(found('PROPFIND', '/mixed')).toEqual({
      route: 'method_not_allowed',
      allow: ['DELETE', 'GET', 'HEAD', 'PATCH', 'POST', 'PUT'],
    });
  });

  it('does not take HEAD for GET: it would be paid and give no answer', () => {
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
    'does not let %s, which an upstream may take for /tools/enrich, reach the cheap wildcard',
    (path) => {
      expect(found('POST', path)).toEqual({ route: 'not_found' });
    },
  );

  it.each(['/tools/ECHO/x', '/tools/echo', '/tools/echo;v/x'])(
    'does not let %s reach a wider wildcard than its own',
    (path) => {
      expect(found('GET', path)).toEqual({ route: 'not_found' });
    },
  );
});
