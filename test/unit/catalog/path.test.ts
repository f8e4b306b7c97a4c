import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { lenient, pathFault } from '../../../src/catalog/path.ts';

describe('pathFault', () => {
  it.each([
    '/',
    '/tools/translate',
    '/tools/search.web',
    '/a.b/..c/d..',
    '/tools/echo/%C3%A4%20b',
    "/a!$&'()*+,;=:@b",
    '/tools/echo/',
    '/100%25',
  ])('takes %s', (path) => {
    expect(pathFault(path)).toBeUndefined();
  });

  it.each([
    ['', /slash/],
    ['tools', /slash/],
    ['//', /empty path segment/],
    ['/tools//x', /empty path segment/],
    ['/tools\\x', /backslash/],
    ['/tools/../x', /dot segment/],
    ['/tools/..', /dot segment/],
    ['/./x', /dot segment/],
    ['/tools/%2e%2E/x', /dot segment/],
    ['/tools/.%2e/x', /dot segment/],
    ['/tools/..;/x', /dot segment/],
    ['/tools/..;a=b', /dot segment/],
    ['/tools/%2e%2e%3b/x', /dot segment/],
    ['/tools/a%2fb', /encoded slash/],
    ['/tools/a%2Fb', /encoded slash/],
    ['/tools/a%5Cb', /encoded slash/],
    ['/tools/a%00', /control/],
    ['/tools/a%0D%0Ab', /control/],
    ['/tools/a%7f', /control/],
    ['/tools/%', /without two hex digits/],
    ['/tools/%zz', /without two hex digits/],
    ['/tools/%4', /without two hex digits/],
    ['/tools/%65nrich', /needs no encoding/],
    ['/tools/a%2e%2eb', /needs no encoding/],
    ['/tools/%7E', /needs no encoding/],
    ['/tools/%30', /needs no encoding/],
    ['/tools/%c0%af', /not UTF-8/],
    ['/tools/%ED%A0%80', /not UTF-8/],
    ['/tools/%ff', /not UTF-8/],
  ])('refuses %s', (path, reason) => {
    expect(pathFault(path)).toMatch(reason);
  });

  it('accepts no path in which decoding reveals a slash, a dot segment or a letter', () => {
    const piece = fc.constantFrom(
      ...'/.abZ09-_~;:%@!'.split(''),
      ...['%41', '%61', '%2e', '%2E', '%2f', '%5c', '%00', '%20', '%C3%A4', '%3B', '..', '\\'],
    );
    const path = fc.array(piece, { maxLength: 8 }).map((pieces) => `/${pieces.join('')}`);
    fc.assert(
      fc.property(path, (text) => {
        fc.pre(pathFault(text) === undefined);
        // Parsing must not change the path, and decoding must add no slash, dot segment or letter.
        const { pathname } = new URL(`https://a.example${text}`);
        expect(pathname).toBe(text);
        const decoded = decodeURIComponent(text);
        expect(decoded.split('/').length).toBe(text.split('/').length);
        expect(decoded.split('/').some((segment) => /^\.{1,2}(;|$)/.test(segment))).toBe(false);
        const unreserved = (value: string) => value.replace(/[^A-Za-z0-9._~-]/g, '').length;
        expect(unreserved(decoded)).toBe(unreserved(text.replace(/%[0-9a-f]{2}/gi, '')));
      }),
      { numRuns: 5_000 },
    );
  });

  it('rejects every encoded letter and digit', () => {
    const unreserved = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~';
    for (const sign of unreserved) {
      const code = sign.charCodeAt(0).toString(16);
      expect(pathFault(`/x%${code}y`), code).toBeDefined();
      expect(pathFault(`/x%${code.toUpperCase()}y`), code).toBeDefined();
    }
  });
});

describe('lenient', () => {
  it('folds like lenient upstreams', () => {
    expect(lenient('/Tools/Enrich;v=1/x%3Bv/')).toBe('/tools/enrich/x');
  });
});
