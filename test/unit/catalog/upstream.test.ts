import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isUpstream, originOf, upstreamUrlOf } from '../../../src/catalog/tool.ts';
import { toolOf } from '../gateway/fixture.ts';

describe('isUpstream', () => {
  it.each([
    '/',
    '/echo',
    '/a/b.c',
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
