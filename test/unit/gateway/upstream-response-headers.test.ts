import fc from 'fast-check';
import { headersFromUpstream } from '../../../src/gateway/upstream-headers.ts';
import { describe, expect, it } from 'vitest';

const word = fc.string({ unit: fc.constantFrom(...'abcxyz-'), minLength: 1, maxLength: 8 });

const kept = (headers: [string, string][]) => headersFromUpstream(new Headers(headers));
const always = { 'cache-control': 'private, no-store' };

describe('headersFromUpstream', () => {
  it('passes on the headers that describe the answer', () => {
    const own = {
      'content-type': 'text/plain',
      'content-language': 'en',
      etag: '"x"',
      location: '/next',
      'retry-after': '3',
      'content-range': 'bytes 0-1/2',
      vary: 'Accept',
      'x-mine': 'a, b',
      link: '</x>; rel=next',
    };
    expect(kept(Object.entries(own))).toEqual({ ...own, ...always });
  });

  it.each([
    'set-cookie',
    'cache-control',
    'cdn-cache-control',
    'cloudflare-cdn-cache-control',
    'surrogate-control',
    'expires',
    'pragma',
    'age',
    'access-control-allow-origin',
    'access-control-allow-credentials',
    'payment-required',
    'payment-response',
    'x-payment-response',
    'agent-receipt',
    'x-agent-assertion',
    'ratelimit',
    'ratelimit-policy',
    'connection',
    'keep-alive',
    'proxy-authenticate',
    'trailer',
    'transfer-encoding',
    'upgrade',
    'content-encoding',
    'content-length',
    'www-authenticate',
    'clear-site-data',
    'refresh',
    'strict-transport-security',
    'alt-svc',
    'cf-ray',
  ])('drops %s', (name) => {
    expect(kept([[name, 'public, max-age=60']])).toEqual(always);
  });

  it('drops every cookie, and headers that Connection names', () => {
    expect(
      kept([
        ['set-cookie', 'a=1'],
        ['set-cookie', 'b=2'],
        ['connection', 'close, X-Hop'],
        ['x-hop', '1'],
      ]),
    ).toEqual(always);
  });

  it('omits headers beyond 8 KiB in all', () => {
    const result = kept([
      ['x-a', 'a'.repeat(8_000)],
      ['x-b', 'b'.repeat(1_000)],
      ['x-c', 'c'],
    ]);
    expect(Object.keys(result).toSorted()).toEqual(['cache-control', 'x-a', 'x-c']);
  });

  it("never lets a tool set the gateway's headers or make an answer cacheable", () => {
    const name = fc
      .constantFrom(
        'payment-',
        'x-payment-',
        'agent-',
        'x-agent-',
        'ratelimit-',
        'access-control-',
        'x-',
        'cdn-',
        '',
      )
      .chain((start) =>
        fc.oneof(
          word.map((rest) => start + rest),
          fc.constant(`${start}cache-control`),
        ),
      );
    const headers = fc.array(fc.tuple(name, fc.constantFrom('public', 'max-age=1', 'x')), {
      maxLength: 8,
    });
    fc.assert(
      fc.property(headers, (list) => {
        const { 'cache-control': cache, ...rest } = kept(list);
        expect(cache).toBe('private, no-store');
        for (const key of Object.keys(rest)) {
          expect(key).not.toMatch(
            /^(payment-|x-payment|agent-|x-agent-|ratelimit|access-control-)|cache-control/,
          );
        }
      }),
      { numRuns: 500 },
    );
  });
});
