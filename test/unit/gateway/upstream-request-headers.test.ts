import fc from 'fast-check';
import { isForwardable } from '../../../src/catalog/forwardable.ts';
import { headersToUpstream } from '../../../src/gateway/upstream-headers.ts';
import { toolOf } from './fixture.ts';
import { describe, expect, it } from 'vitest';

const word = fc.string({ unit: fc.constantFrom(...'abcxyz-'), minLength: 1, maxLength: 8 });

const sent = (
  headers: Record<string, string>,
  requestHeaders: readonly string[] = [],
  contentType = '',
) =>
  headersToUpstream(new Headers(headers), toolOf({ requestHeaders }), contentType, 'the.jws.here');

const always = { 'accept-encoding': 'identity', 'x-agent-assertion': 'the.jws.here' };

describe('headersToUpstream', () => {
  it('forwards allowed headers', () => {
    const allowed = {
      accept: 'text/html',
      'accept-language': 'fr',
      'content-language': 'en',
      'user-agent': 'agent/1',
      range: 'bytes=0-1',
      'if-none-match': '"x"',
      'if-match': '"y"',
      'if-modified-since': 'Tue, 24 Nov 2026 17:00:00 GMT',
      'if-unmodified-since': 'Tue, 24 Nov 2026 17:00:00 GMT',
      'if-range': '"z"',
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    };
    expect(sent(allowed)).toEqual({ ...allowed, ...always });
  });

  it.each([
    'payment-signature',
    'payment-required',
    'x-payment',
    'x-payment-response',
    'agent-intent',
    'agent-retry-key',
    'agent-delegation',
    'authorization',
    'cookie',
    'forwarded',
    'x-forwarded-for',
    'x-forwarded-host',
    'x-original-url',
    'x-http-method-override',
    'x-api-key',
    'cf-connecting-ip',
    'origin',
    'referer',
    'te',
    'upgrade',
    'proxy-authorization',
    'transfer-encoding',
    'content-length',
    'content-encoding',
    'tracestate',
    'if',
  ])('keeps %s back', (name) => {
    expect(sent({ [name]: 'value' })).toEqual(always);
  });

  it('sets the assertion, the signed content type and the encoding itself', () => {
    expect(
      sent(
        { 'X-Agent-Assertion': 'forged', 'Content-Type': 'text/html', 'Accept-Encoding': 'gzip' },
        [],
        'text/plain',
      ),
    ).toEqual({ ...always, 'content-type': 'text/plain' });
  });

  it('forwards the headers that the tool asks for, and no others', () => {
    expect(sent({ 'X-Mine': '1', 'X-Other': '2' }, ['x-mine'])).toEqual({
      ...always,
      'x-mine': '1',
    });
  });

  it('drops headers that Connection names', () => {
    expect(
      sent({ Connection: 'close, X-Mine, User-Agent', 'X-Mine': '1', 'User-Agent': 'a' }, [
        'x-mine',
      ]),
    ).toEqual(always);
  });

  it('never forwards a proof, a credential or a hop-by-hop header', () => {
    const forbidden =
      /^(?:payment-|x-payment|agent-|proxy-|x-forwarded-|cf-|cookie|authorization|host$|connection$|te$|trailer|transfer-|upgrade|keep-alive|forwarded|origin$)/;
    const name = fc.oneof(
      fc
        .constantFrom(
          'payment-',
          'x-payment-',
          'agent-',
          'x-agent-',
          'accept-',
          'if-',
          'content-',
          'x-',
          '',
        )
        .chain((start) => word.map((rest) => start + rest)),
      fc.constantFrom(
        'cookie',
        'authorization',
        'connection',
        'te',
        'upgrade',
        'keep-alive',
        'host',
        'accept',
      ),
    );
    const headers = fc.dictionary(
      name,
      fc.string({ unit: fc.constantFrom(...'aZ0,;="-'), maxLength: 8 }),
      { maxKeys: 8 },
    );
    const extra = fc.array(name.filter(isForwardable), { maxLength: 3 });
    fc.assert(
      fc.property(headers, extra, (incoming, requestHeaders) => {
        const result = sent(incoming, requestHeaders);
        for (const [key, value] of Object.entries(result)) {
          expect(key).not.toMatch(forbidden);
          if (key.startsWith('x-agent-'))
            expect([key, value]).toEqual(['x-agent-assertion', 'the.jws.here']);
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('isForwardable', () => {
  it.each(['x-mine', 'x-request-id', 'mcp-session-id', 'idempotency-key', 'prefer'])(
    'accepts %s',
    (name) => {
      expect(isForwardable(name)).toBe(true);
    },
  );

  it.each([
    '',
    'X-Mine',
    'x mine',
    'x-mine:',
    'a'.repeat(65),
    'payment-signature',
    'payment-x',
    'x-payment',
    'x-payment-response',
    'agent-intent',
    'x-agent-assertion',
    'sign-in-with-x',
    'connection',
    'keep-alive',
    'proxy-connection',
    'te',
    'trailer',
    'transfer-encoding',
    'upgrade',
    'cookie',
    'authorization',
    'host',
    'content-length',
    'content-encoding',
    'accept-encoding',
    'expect',
    'forwarded',
    'x-forwarded-for',
    'x-http-method-override',
    'cf-connecting-ip',
    'sec-fetch-site',
  ])('refuses %s', (name) => {
    expect(isForwardable(name)).toBe(false);
  });
});
