import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AUDIENCE, configOf, observe, toolOf } from './fixture.ts';

const EMPTY = '0xe3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
const config = configOf();

const look = (request: Request) => observe(request, config);
const reasonOf = async (request: Request) => {
  const result = await look(request);
  return result.ok ? undefined : result.error;
};
const at = (path: string, init?: RequestInit) => new Request(`https://host.example${path}`, init);

/** A request with this URL. A `Request` may have normalised its own. */
const raw = (url: string): Request =>
  new Proxy(at('/tools/echo/a'), {
    get: (target, key) => (key === 'url' ? url : (Reflect.get(target, key) as unknown)),
  });

describe('observing a request', () => {
  it('returns the fields that a proof is checked against', async () => {
    const body = '{"text":"hello"}';
    const result = await look(
      at('/tools/echo/a?x=1&y=%20', {
        method: 'POST',
        body,
        headers: { 'Content-Type': '  application/json ' },
      }),
    );
    expect(result).toMatchObject({
      ok: true,
      value: {
        tool: { id: 'echo' },
        received: {
          audience: AUDIENCE,
          tool: 'echo',
          method: 'POST',
          target: '/tools/echo/a?x=1&y=%20',
          contentType: 'application/json',
          body: new TextEncoder().encode(body),
        },
      },
    });
    const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(body));
    const hex = Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0'));
    if (result.ok) expect(result.value.received.payloadDigest).toBe(`0x${hex.join('')}`);
  });

  it('treats an absent body and content type as empty', async () => {
    const result = await look(at('/tools/echo/a'));
    expect(result).toMatchObject({
      ok: true,
      value: { received: { body: undefined, contentType: '', payloadDigest: EMPTY } },
    });
  });

  it('takes the audience from the configuration, whatever Host and forwarding headers claim', async () => {
    const claims = {
      Host: 'evil.example',
      'X-Forwarded-Host': 'evil.example',
      'X-Original-URL': '/other',
      'X-HTTP-Method-Override': 'DELETE',
    };
    const requests = [
      at('/tools/echo/a'),
      at('/tools/echo/a', { headers: claims }),
      new Request('https://gw.example/tools/echo/a'),
    ];
    const digests = new Set<string>();
    for (const request of requests) {
      const result = await look(request);
      expect(result).toMatchObject({
        ok: true,
        value: { received: { audience: AUDIENCE, method: 'GET', target: '/tools/echo/a' } },
      });
      if (result.ok) digests.add(result.value.received.request);
    }
    expect(digests.size).toBe(1);
  });

  it('takes the first origin for a URL that only begins like a configured one', async () => {
    for (const href of [
      'https://second.example.evil',
      'https://second.example:8443',
      'https://second.example@evil',
    ]) {
      const result = await look(raw(`${href}/tools/echo/a`));
      expect(result.ok && result.value.received.audience, href).not.toBe('https://second.example');
    }
  });

  it('gives the same request another digest at another configured origin', async () => {
    const first = await look(new Request('https://gw.example/tools/echo/a'));
    const second = await look(new Request('https://second.example/tools/echo/a'));
    if (!first.ok || !second.ok) throw new Error('are requests');
    expect(first.value.received.audience).toBe(AUDIENCE);
    expect(second.value.received.audience).toBe('https://second.example');
    expect(second.value.received.request).not.toBe(first.value.received.request);
  });

  it.each([
    ['https://host.example/tools//echo/a', 'empty path segment'],
    ['https://host.example//tools/echo/a', 'empty path segment'],
    ['https://host.example/tools/echo/a%2fb', 'encoded slash'],
    ['https://host.example/tools/echo/a%5Cb', 'encoded slash'],
    ['https://host.example/tools/echo/a%00', 'control'],
    ['https://host.example/tools/x/../echo/a', 'dot segment'],
    ['https://host.example/tools/x/%2e%2e/echo/a', 'dot segment'],
    ['https://host.example/tools/./echo/a', 'dot segment'],
    ['https://host.example/tools\\echo/a', 'backslash'],
    ['https://host.example/tools/echo/..;/a', 'dot segment'],
    ['https://host.example/tools/%65cho/a', 'needs no encoding'],
    ['https://host.example/tools/echo/%c0%af', 'not UTF-8'],
    ['https://host.example/tools/echo/a/\t/b', 'empty path segment'],
    ['https://user@host.example/tools/echo/a', 'names a user'],
    ['https://user:pw@host.example/tools/echo/a', 'names a user'],
    ['https://@host.example/tools/echo/a', 'names a user'],
    ['https://host.example./tools/echo/a', 'trailing dot'],
  ])('refuses %s, at a configured origin too', async (url, hint) => {
    for (const href of [url, url.replace('host.example', 'gw.example')]) {
      expect(await reasonOf(raw(href))).toEqual({
        reason: 'not_canonical',
        hint: expect.stringContaining(hint),
      });
    }
  });

  it('returns only canonical targets, for any URL', async () => {
    const piece = fc.oneof(
      fc.constantFrom(
        '/',
        '//',
        '.',
        '..',
        '%2e',
        '%2F',
        '%5c',
        '\\',
        '%00',
        '%',
        ';',
        '@',
        ':',
        '?',
        '#',
        ' ',
        'a',
        '.a',
        'a/b.c',
        '?x=%2e./&y=é',
      ),
      fc.string({ maxLength: 3 }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 8 }), async (pieces) => {
        const path = `/tools/echo/${pieces.join('')}`;
        const result = await look(raw(`https://host.example${path}`));
        // A URL of a configured origin is rarely parsed.
        expect(await look(raw(AUDIENCE + path))).toEqual(result);
        if (!result.ok) {
          expect(['not_canonical', 'not_found', 'target_too_long']).toContain(result.error.reason);
          return;
        }
        const { target } = result.value.received;
        expect(target).toMatch(/^\/tools\/echo\/[\x21-\x7e]*$/);
        const parsed = new URL(target, 'https://host.example');
        expect(parsed.pathname + parsed.search).toBe(target);
        const decoded = decodeURIComponent(parsed.pathname).split('/');
        expect(decoded.length).toBe(parsed.pathname.split('/').length);
        expect(decoded.some((segment) => /^\.{1,2}(;|$)/.test(segment))).toBe(false);
        expect(decoded.slice(0, -1).includes('', 1)).toBe(false);
      }),
      { numRuns: 2_000 },
    );
  });

  it('rejects a target that is too long for an intent', async () => {
    const longest = `/tools/echo/${'a'.repeat(4096 - '/tools/echo/'.length)}`;
    expect((await look(at(longest))).ok).toBe(true);
    expect(await reasonOf(at(`${longest}a`))).toEqual({ reason: 'target_too_long', limit: 4096 });
    expect(await reasonOf(at(`/tools/echo/a?${'q'.repeat(4096)}`))).toMatchObject({
      reason: 'target_too_long',
    });
  });

  it('rejects unknown paths and methods', async () => {
    expect(await reasonOf(at('/admin'))).toEqual({ reason: 'not_found' });
    expect(
      await observe(
        at('/tools/a', { method: 'POST' }),
        configOf([toolOf({ path: '/tools/a', method: 'GET' })]),
      ),
    ).toEqual({ ok: false, error: { reason: 'method_not_allowed', allow: ['GET'] } });
  });

  it.each([
    ['two', 'text/plain, application/json', /at most once/],
    ['too long', `text/${'x'.repeat(256)}`, /256/],
    ['not ASCII', 'text/plain; x="\u00e4"', /printable ASCII/],
  ])('refuses a content type that is %s', async (_, value, hint) => {
    const request = at('/tools/echo/a', {
      method: 'POST',
      body: 'x',
      headers: { 'Content-Type': value },
    });
    expect(await reasonOf(request)).toEqual({
      reason: 'malformed_request',
      field: 'content-type',
      hint: expect.stringMatching(hint),
    });
  });

  it('rejects a repeated content type, and accepts a comma inside quotes', async () => {
    const twice = new Headers([
      ['Content-Type', 'text/plain'],
      ['Content-Type', 'application/json'],
    ]);
    expect(
      await reasonOf(at('/tools/echo/a', { method: 'POST', body: 'x', headers: twice })),
    ).toMatchObject({
      reason: 'malformed_request',
      field: 'content-type',
    });
    const quoted = { 'Content-Type': 'multipart/form-data; boundary="a,\\",b"' };
    expect(
      (await look(at('/tools/echo/a', { method: 'POST', body: 'x', headers: quoted }))).ok,
    ).toBe(true);
  });

  it.each(['gzip', 'br', 'gzip, identity', 'x'])(
    'rejects Content-Encoding %s',
    async (encoding) => {
      const headers = { 'Content-Encoding': encoding };
      expect(await reasonOf(at('/tools/echo/a', { method: 'POST', body: 'x', headers }))).toEqual({
        reason: 'content_encoding',
      });
    },
  );

  it('accepts Content-Encoding identity', async () => {
    const headers = { 'Content-Encoding': 'Identity' };
    expect((await look(at('/tools/echo/a', { method: 'POST', body: 'x', headers }))).ok).toBe(true);
  });
});
