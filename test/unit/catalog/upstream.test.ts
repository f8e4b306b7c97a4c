import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseTool } from '../../../src/catalog/schema.ts';
import {
  isRemote,
  isUpstream,
  originOf,
  upstreamFault,
  upstreamUrlOf,
} from '../../../src/catalog/upstream.ts';
import type { EgressReach } from '../../../src/protocol/egress-url.ts';
import { toolOf } from '../gateway/fixture.ts';

describe('isUpstream', () => {
  it.each([
    '/',
    '/echo',
    '/a/b.c',
    '/a/{id}',
    '/{a}/{b}/c',
    'https://api.example/{id}',
    'https://api.example',
    'https://api.example/',
    'http://127.0.0.1:8080/x',
  ])('takes %s', (upstream) => {
    expect(isUpstream(upstream)).toBe(true);
  });

  it.each([
    '',
    'echo',
    '//api.example/x',
    '/a/',
    '/a/../b',
    '/a?b',
    '/a#b',
    '/a/*',
    '/a/{}',
    '/a/b{id}',
    '/a/{id}/',
    '/a/{i d}',
    '//{host}/x',
    'https://api.example/a/',
    'https://api.example/a/../b',
    'https://api.example/a%2fb',
    'https://api.example/a?b=c',
    'https://api.example/a?',
    'https://api.example/#x',
    'https://API.example/x',
    'https://api.example:443/x',
    'https://me@api.example/x',
    'https://:pw@api.example/x',
    'file:///etc/passwd',
    'javascript:alert(1)',
    'https:/api.example/x',
    ' https://api.example',
  ])('refuses %s', (upstream) => {
    expect(isUpstream(upstream)).toBe(false);
  });
});

describe('an upstream that is a tool of a remote MCP server', () => {
  const pin = 'ab'.repeat(32);
  const remote = { mcp: 'https://mcp.example/mcp', tool: 'Search_Web', pin };
  const document = (changes: object = {}) => ({
    id: 'search',
    method: 'POST',
    path: '/tools/search',
    description: 'Searches.',
    price: '$0.01',
    settlement: 'deferred',
    upstream: remote,
    ...changes,
  });
  const faults = (changes: object, reach: EgressReach = 'public') => {
    const parsed = parseTool(document(changes), reach);
    return parsed.ok ? [] : parsed.error.map(({ field }) => field);
  };

  it('is accepted with server, name and pin', () => {
    const parsed = parseTool(document(), 'public');
    expect(parsed.ok && parsed.value.upstream).toEqual(remote);
    expect(parsed.ok && isRemote(parsed.value)).toBe(true);
    expect(parsed.ok && originOf(parsed.value, undefined)).toBe('https://mcp.example');
  });

  it.each([
    { mcp: 'https://mcp.example/mcp', tool: 'x' },
    { ...remote, pin: 'AB'.repeat(32) },
    { ...remote, pin: `0x${pin}` },
    { ...remote, tool: '' },
    { ...remote, tool: 'a\nb' },
    { ...remote, header: 'x' },
    {},
  ])('is refused as %j', (upstream) => {
    expect(faults({ upstream })[0]).toMatch(/^upstream/);
  });

  it.each(['http://mcp.example/mcp', 'https://10.0.0.1/mcp', 'https://localhost/mcp', '/mcp'])(
    'may not be at %s, where no HTTP upstream may be either',
    (mcp) => {
      expect(faults({ upstream: { ...remote, mcp } })).toEqual(['upstream']);
    },
  );

  it('takes POST on one path only, because the arguments are one JSON body', () => {
    expect(faults({ method: 'GET' })).toEqual(['method']);
    expect(faults({ path: '/tools/*' })).toEqual(['method']);
  });

  it('takes no variable price, because no MCP server states a charge', () => {
    expect(faults({ price: { max: '$0.10' }, settlement: 'credit' })).toEqual(['price']);
  });
});

describe('an upstream that is a bound Worker', () => {
  const tool = { path: '/tools/x/*', upstream: { service: 'TOOLS_API', path: '/x' } };

  it('gets the path and query of the call, at an origin made of its name', () => {
    expect(upstreamUrlOf(tool, '/tools/x/a?b=1', undefined)).toBe(
      'https://tools_api.service.internal/x/a?b=1',
    );
    expect(originOf(tool, undefined)).toBe('https://tools_api.service.internal');
  });

  it('is a fault where the Worker has no such binding', () => {
    const settings = { upstreamUrl: undefined, services: ['OTHER'] };
    expect(upstreamFault(tool, settings)).toMatch(/TOOLS_API, which this Worker does not have/);
    expect(upstreamFault(tool, { ...settings, services: ['TOOLS_API'] })).toBeUndefined();
  });

  it.each([
    { service: 'X' },
    { service: 'a-b', path: '/x' },
    { service: 'X', path: 'x' },
    { service: 'X', path: 'https://a.example/x' },
    { service: 'X', path: '/../x' },
  ])('is refused as %j', (upstream) => {
    const json = {
      id: 'x',
      method: 'GET',
      path: '/x',
      description: 'X.',
      price: '$0',
      settlement: 'free',
      upstream,
    };
    const parsed = parseTool(json, 'public');
    expect(!parsed.ok && parsed.error[0]?.field).toMatch(/^upstream/);
  });
});

describe('upstreamUrlOf', () => {
  const url = (path: string, upstream: string, target: string) =>
    upstreamUrlOf(toolOf({ path, upstream }), target, 'https://api.example');

  it.each([
    [
      '/tools/lookup',
      '/lookup',
      '/tools/lookup?word=a%20b',
      'https://api.example/lookup?word=a%20b',
    ],
    ['/tools/echo/*', '/echo', '/tools/echo/a/b?c', 'https://api.example/echo/a/b?c'],
    ['/tools/echo/*', '/', '/tools/echo/a', 'https://api.example/a'],
    ['/tools/echo/*', '/echo', '/tools/echo/', 'https://api.example/echo/'],
    ['/*', '/all', '/x/y', 'https://api.example/all/x/y'],
    ['/one', 'https://one.example/v1', '/one', 'https://one.example/v1'],
    ['/one/*', 'https://one.example', '/one/a?b?c', 'https://one.example/a?b?c'],
  ])('%s at %s: %s goes to %s', (path, upstream, target, expected) => {
    expect(url(path, upstream, target)).toBe(expected);
  });

  it('stays at the upstream, below its path, and keeps every byte', () => {
    const segment = fc.stringMatching(/^[A-Za-z0-9_~!$&'()*+,;=:@-]{1,8}$/);
    const query = fc.stringMatching(/^(\?[A-Za-z0-9%/?:@!$'()*+,;=&._~-]{0,20})?$/);
    fc.assert(
      fc.property(fc.array(segment, { maxLength: 4 }), query, (segments, search) => {
        const rest = `/${segments.join('/')}`;
        const result = new URL(url('/tools/echo/*', '/echo', `/tools/echo${rest}${search}`));
        expect(result.origin).toBe('https://api.example');
        expect(result.pathname).toBe(`/echo${rest}`);
        expect(url('/tools/echo/*', '/echo', `/tools/echo${rest}${search}`)).toBe(
          `https://api.example/echo${rest}${search}`,
        );
      }),
    );
  });

  it('returns the origin of assertions', () => {
    expect(originOf(toolOf({ upstream: '/x' }), 'https://api.example')).toBe('https://api.example');
    expect(originOf(toolOf({ upstream: 'http://b.example:81/x' }), undefined)).toBe(
      'http://b.example:81',
    );
    expect(() => originOf(toolOf({ upstream: '/x' }), undefined)).toThrow(/UPSTREAM_URL/);
  });
});
