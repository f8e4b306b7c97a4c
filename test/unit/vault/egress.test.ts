import { afterEach, expect, test, vi } from 'vitest';
import type { SecretPlace } from '../../../src/catalog/tool.ts';
import { openSecretFetcher } from '../../../src/vault/egress.ts';
import { type Placement, parsePlacements } from '../../../src/vault/placement.ts';
import { guessableTexts, readSecretValue, type SecretKind } from '../../../src/vault/secret.ts';
import { hmacSha256 } from '../../../src/vault/sigv4.ts';
import { keysFrom, sealedOf, TOKEN } from './sealed.ts';

const ASCII = 'sk-live-4f9a/B+c0d_1';

afterEach(() => {
  vi.unstubAllGlobals();
});

/** A tool's placement of a secret, and the secret. */
type Part = {
  readonly place: Record<string, unknown>;
  readonly kind?: SecretKind;
  readonly json?: unknown;
};

/** Sends a request with secrets to a stubbed network. */
const send = async (
  parts: readonly Part[],
  init: RequestInit & { readonly url?: string } = {},
  answer: (request: Request) => Response | Promise<Response> = () => new Response('ok'),
) => {
  const returned: string[] = [];
  const requests: Request[] = [];
  vi.stubGlobal('fetch', async (url: string, given: RequestInit) => {
    const request = new Request(url, given);
    requests.push(request);
    return await answer(request);
  });
  const secrets = await Promise.all(
    parts.map(async ({ place, kind = 'token', json = ASCII }, index) => {
      const name = `s${index}`;
      const parsed = parsePlacements({
        upstream: 'https://api.example/x',
        secrets: [{ ...place, secret: name }],
      });
      if (!parsed.ok) throw new Error(JSON.stringify(parsed.error));
      const sealed = await sealedOf({ name, kind, host: 'api.example' }, json);
      return { placement: parsed.value[0] as Placement, sealed };
    }),
  );
  const fetcher = openSecretFetcher({
    ...{ secrets, keys: await keysFrom(1), reach: 'public' },
    onReturned: (secret) => returned.push(secret),
  });
  const { url = 'https://api.example/x?a=%20b', ...rest } = init;
  const response = await fetcher.fetch(url, rest);
  return { response, request: requests[0], returned };
};

test('places a secret in a header, over the one of the caller', async () => {
  const place = { in: 'header', name: 'authorization', prefix: 'Bearer ' };
  const { request } = await send([{ place }], { headers: { authorization: 'mine' } });
  expect(request?.headers.get('authorization')).toBe(`Bearer ${ASCII}`);
  const named = await send([
    { place: { in: 'header' }, kind: 'header', json: { name: 'X-Key', value: ASCII } },
  ]);
  expect(named.request?.headers.get('x-key')).toBe(ASCII);
});

test.each(['ключ-123456789', 'line\nbreak-123'])(
  'puts %j into no header, because the runtime would log it',
  async (text) => {
    const place = { in: 'header', name: 'x-api-key', field: 'id' };
    const warned = vi.spyOn(console, 'warn');
    const failing = send([{ place, kind: 'json', json: { id: text } }]);
    await expect(failing).rejects.toThrow(/^a placement does not fit its secret$/);
    expect(warned).not.toHaveBeenCalled();
  },
);

test('places user and password, and scrubs the credentials as one text', async () => {
  const json = { user: 'me', password: ASCII };
  const credentials = btoa(`me:${ASCII}`);
  const parts = [{ place: { in: 'basic' }, kind: 'basic' as const, json }];
  const { request, response } = await send(parts, {}, () => new Response(`<${credentials}>`));
  expect(request?.headers.get('authorization')).toBe(`Basic ${credentials}`);
  expect(await response.text()).toBe('<[secret:s0]>');
});

test('confirms no guess: what the caller sent comes back as it was sent', async () => {
  const place = { in: 'header', name: 'x-api-key' };
  const guesses = [...Array.from({ length: 1_000 }, (_, n) => `${ASCII}${n}`), btoa(ASCII)];
  const echo = async (request: Request) => new Response(await request.text());
  const { response, returned } = await send(
    [{ place }],
    { method: 'POST', body: guesses.join('\n') },
    echo,
  );
  expect(await response.text()).toBe(guesses.join('\n'));
  expect(returned).toEqual([]);
  // The scrubber still removes the other secrets.
  const both = [
    { place, json: ASCII },
    { place: { in: 'header', name: 'x-other' }, json: 'another-secret-0123' },
  ];
  const sent = await send(
    both,
    { url: `https://api.example/x?q=${encodeURIComponent(ASCII)}` },
    () => new Response(`${ASCII} another-secret-0123`),
  );
  expect(await sent.response.text()).toBe(`${ASCII} [secret:s1]`);
});

test.each([
  ['hunter2hunter', 1],
  ['passwordpassword', 1],
  ['0123456701234567', 0],
  ['sk-live-4f9a/B+c', 0],
])('knows whether an agent could guess %s', (text, faults) => {
  const read = readSecretValue('token', text);
  expect(read.ok && guessableTexts(read.value)).toHaveLength(faults);
});

test('places a query parameter and leaves all others exactly as they were signed', async () => {
  const place = { in: 'query', name: 'key' };
  const url = 'https://api.example/x?a=%20b&key=1&k%65y=2&b=~';
  const { request } = await send([{ place }], { url });
  expect(request?.url).toBe(`https://api.example/x?a=%20b&b=~&key=${encodeURIComponent(ASCII)}`);
});

test('places a text of a JSON secret in a JSON body', async () => {
  const place = { in: 'json', pointer: '/auth/a~1b', field: 'id' };
  const json = { id: ASCII, other: 'another text 123' };
  const post = {
    ...{ method: 'POST', headers: { 'content-type': 'application/json' } },
    body: new TextEncoder().encode('{"q":1,"auth":{"x":true}}'),
  };
  const { request } = await send([{ place, kind: 'json', json }], post);
  expect(await request?.json()).toEqual({ q: 1, auth: { x: true, 'a/b': ASCII } });
});

test.each([
  ['[1]', 'must be a JSON object'],
  ['{"auth":1}', 'must have an object at /auth'],
  ['{"auth":{},"n":9007199254740993}', 'a double cannot hold'],
])('answers 400 to the body %s, and does not call the upstream', async (body, hint) => {
  const place = { in: 'json', pointer: '/auth/key' };
  const post = { method: 'POST', body: new TextEncoder().encode(body) };
  const { request, response } = await send([{ place }], post);
  expect([request, response.status]).toEqual([undefined, 400]);
  expect(await response.text()).toContain(hint);
});

test('places a form field, over the one of the caller', async () => {
  const post = {
    ...{ method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded' } },
    body: new TextEncoder().encode('key=mine&q=a+b'),
  };
  const { request } = await send([{ place: { in: 'form', name: 'key' } }], post);
  expect(await request?.text()).toBe(`q=a+b&key=${encodeURIComponent(ASCII)}`);
});

test('signs with an HMAC after all other placements, and scrubs the signature', async () => {
  const place = {
    ...{ in: 'hmac', name: 'x-sig', over: ['timestamp', 'method', 'target', 'body'] },
    ...{ separator: '.', timestamp: 'x-at', prefix: 'v1=' },
  };
  const { request, response } = await send(
    [{ place }, { place: { in: 'query', name: 'key' }, json: 'another-text-12' }],
    { method: 'POST', body: new TextEncoder().encode('hi') },
    ({ headers }) => new Response(`got ${headers.get('x-sig')}`),
  );
  const at = request?.headers.get('x-at') ?? '';
  const signed = await hmacSha256(
    new TextEncoder().encode(ASCII),
    `${at}.POST./x?a=%20b&key=another-text-12.hi`,
  );
  expect(request?.headers.get('x-sig')).toBe(`v1=${Buffer.from(signed).toString('hex')}`);
  expect(await response.text()).toBe('got v1=[secret:s0]');
});

test('signs for AWS', async () => {
  const json = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG' };
  const place = { in: 'sigv4', region: 'eu-central-1', service: 'kms' };
  const { request } = await send([{ place, kind: 'json', json }]);
  expect(request?.headers.get('authorization')).toMatch(
    /^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE\/[0-9]{8}\/eu-central-1\/kms\/aws4_request, SignedHeaders=host;x-amz-date, Signature=[0-9a-f]{64}$/,
  );
});

const HEADER = { place: { in: 'header', name: 'x-api-key' } };

test('asks for no range and no encoding, and follows no redirect', async () => {
  const headers = { range: 'bytes=4-', 'if-range': '"a"', 'accept-encoding': 'zstd' };
  const { request } = await send([HEADER], { headers, redirect: 'follow' });
  expect(request?.headers.get('range')).toBeNull();
  expect(request?.headers.get('if-range')).toBeNull();
  expect(request?.headers.get('accept-encoding')).toBe('identity');
  expect(request?.redirect).toBe('manual');
});

test.each([
  'https://evil.example/x',
  'https://api.example.evil.example/',
  'https://api.example:8443/x',
  'http://api.example/x',
  'https://user@api.example/',
  'https://127.0.0.1/x',
])('sends nothing to %s', async (url) => {
  await expect(send([HEADER], { url })).rejects.toThrow('bound to another host');
});

test('passes an allow-list of headers, scrubbed, and no status text', async () => {
  const { response, returned } = await send(
    [HEADER],
    {},
    () =>
      new Response('ok', {
        ...{ status: 201, statusText: ASCII },
        headers: {
          ...{ 'content-type': `text/plain; x=${ASCII}`, 'x-anything': ASCII, 'set-cookie': 'a=b' },
          ...{ location: `/made?key=${encodeURIComponent(ASCII)}`, etag: `"${btoa(ASCII)}"` },
        },
      }),
  );
  expect(response.statusText).not.toContain(ASCII);
  expect(Object.fromEntries(response.headers)).toEqual({
    'content-type': 'text/plain; x=[secret:s0]',
    location: '/made?key=[secret:s0]',
    etag: expect.stringMatching(/^"\[secret:s0\].{0,3}"$/) as string,
  });
  expect(returned).toEqual(['s0']);
});

test('refuses an encoding that it cannot read', async () => {
  const headers = { 'content-encoding': 'zstd' };
  const { response } = await send([HEADER], {}, () => new Response(ASCII, { headers }));
  expect(response.headers.get('content-encoding')).toBe('unknown');
  expect(await response.text()).toBe('');
});

test('fails where the answer is shorter than announced, because scrubbing hides the length', async () => {
  const headers = { 'content-length': '100' };
  const { response } = await send([HEADER], {}, () => new Response('short', { headers }));
  await expect(response.text()).rejects.toThrow('cut');
});

test('tells nothing of an error of the runtime, which may name the URL', async () => {
  const parts = [{ place: { in: 'query', name: 'key' } }];
  const failing = send(parts, {}, () => Promise.reject(new Error(`cannot load ?key=${ASCII}`)));
  await expect(failing).rejects.toThrow(/^the upstream did not answer$/);
});

test('sends an event as soon as it ends, whatever the secret is', async () => {
  const stream = new TransformStream<Uint8Array, Uint8Array>();
  const writer = stream.writable.getWriter();
  const numbers = Array.from({ length: 1_000 }, (_, n) => n).join('.');
  const { response } = await send(
    [{ ...HEADER, json: `${TOKEN}${numbers}` }],
    {},
    () => new Response(stream.readable, { headers: { 'content-type': 'text/event-stream' } }),
  );
  const reader = response.body?.getReader();
  void writer.write(new TextEncoder().encode('data: one\n\n'));
  const { value } = (await reader?.read()) ?? {};
  expect(new TextDecoder().decode(value)).toBe('data: one\n\n');
  await reader?.cancel();
});

test.each<[Record<string, unknown>, string]>([
  [{ in: 'cookie' }, 'must be one of'],
  [{ in: 'header', name: 'host' }, 'frame or route'],
  [{ in: 'header', name: 'Range' }, 'frame or route'],
  [{ in: 'json', pointer: '' }, 'JSON pointer'],
  [{ in: 'query', name: 'a b' }, 'must be 1 to 128'],
  [{ in: 'hmac', name: 'x-sig', over: ['timestamp'] }, 'must name a header'],
  [{ in: 'basic', more: 1 }, 'is not a known field'],
])('rejects the placement %o', (place, reason) => {
  const secrets = [{ ...place, secret: 'a' }];
  const parsed = parsePlacements({ upstream: 'https://api.example', secrets });
  expect(JSON.stringify(parsed)).toContain(reason);
});

test('rejects secrets of a tool that has no host', () => {
  const secrets = [{ in: 'basic', secret: 'a' }];
  expect(parsePlacements({ upstream: { service: 'BOUND', path: '/' }, secrets }).ok).toBe(false);
});

test('takes no place in the body for a tool of a remote MCP server, and says which it takes', () => {
  const upstream = { mcp: 'https://a.example/', tool: 'x', pin: '0'.repeat(64) };
  const named = { secret: 'a', name: 'key' };
  const faultsOf = (place: SecretPlace) => {
    const parsed = parsePlacements({ upstream, secrets: [{ in: 'basic', secret: 'a' }, place] });
    return parsed.ok ? [] : parsed.error;
  };
  for (const place of [
    { in: 'json', secret: 'a', pointer: '/key' },
    { in: 'form', ...named },
  ]) {
    const reason = expect.stringContaining('Use header, query') as unknown;
    expect(faultsOf(place)).toEqual([{ field: 'secrets[1].in', reason }]);
  }
  for (const place of [
    { in: 'header', ...named },
    { in: 'query', ...named },
    { in: 'hmac', ...named, over: ['body'] },
    { in: 'sigv4', secret: 'a', region: 'eu', service: 'mcp' },
  ]) {
    expect(faultsOf(place)).toEqual([]);
  }
});

test('signs the text of a JSON-RPC message as its bytes, and sends it unchanged', async () => {
  const place = { in: 'hmac', name: 'x-sig', over: ['body'] };
  const body = '{"jsonrpc":"2.0","method":"é"}';
  const { request } = await send([{ place }], { method: 'POST', body });
  expect(await request?.text()).toBe(body);
  const bytes = await send([{ place }], { method: 'POST', body: new TextEncoder().encode(body) });
  expect(request?.headers.get('x-sig')).toBe(bytes.request?.headers.get('x-sig'));
});

test('asks for no charset, and refuses answers in one that it does not read', async () => {
  const place = { in: 'header', name: 'x-api-key' };
  const utf16 = Buffer.from(ASCII, 'utf16le');
  for (const charset of ['utf-16', '"UTF-16LE"', "'utf-8'", 'utf-7', 'utf-8; charset=utf-16']) {
    const { request, response } = await send(
      [{ place }],
      { headers: { 'accept-charset': 'utf-16' } },
      () => new Response(utf16, { headers: { 'content-type': `text/plain; charset=${charset}` } }),
    );
    expect(request?.headers.get('accept-charset')).toBe(null);
    expect(response.headers.get('content-encoding')).toBe('unknown');
    expect(await response.text()).toBe('');
  }
  for (const charset of ['utf-8', '"UTF-8"', 'us-ascii', 'ISO-8859-1']) {
    const headers = { 'content-type': `text/plain; charset=${charset}` };
    const { response } = await send([{ place }], {}, () => new Response(ASCII, { headers }));
    expect(await response.text()).toBe('[secret:s0]');
  }
});

test('refuses a secret that repeats its beginning', () => {
  for (const unit of ['abcdefgh', 'abc456', 'x0123456789abcdef']) {
    const read = readSecretValue('token', unit.repeat(20));
    expect(read.ok || read.error[0]?.reason).toContain('must not repeat');
  }
  expect(readSecretValue('token', `${ASCII}${ASCII}`).ok).toBe(true);
});

test('answers 400 to a body that takes too many steps to scan, and does not call the upstream', async () => {
  const place = { in: 'json', pointer: '/key', field: 'id' };
  const text = `abcdefghijklmnop${'\\'.repeat(600)}x`;
  const escaped = `abcdefghijklmnop${'\\'.repeat(3_000)}`;
  const { request, response } = await send([{ place, kind: 'json', json: { id: text } }], {
    method: 'POST',
    body: `{"a":"${escaped}"}`,
    headers: { 'content-type': 'application/json' },
  });
  expect([request, response.status]).toEqual([undefined, 400]);
});
