import { describe, expect, it } from 'vitest';
import { guardRequest, MAX_MESSAGE } from '../../../src/mcp/guard.ts';
import { ORIGIN, requestOf } from './fixture.ts';

const config = { audiences: [ORIGIN, 'https://second.example'], reach: 'public' } as const;
const MESSAGE = {
  jsonrpc: '2.0',
  id: 7,
  method: 'tools/call',
  params: { name: 'a', _meta: { k: 1 } },
};

const refused = async (request: Request, reach: 'public' | 'local_stack' = 'public') => {
  const guarded = await guardRequest(request, { ...config, reach });
  if (guarded.ok) return { status: 200 };
  const { error } = await guarded.error.json<{ error: { code: number; message: string } }>();
  expect(error.message).toMatch(/\w/);
  return { status: guarded.error.status, code: error.code };
};

const at = (url: string, headers: Record<string, string> = {}) =>
  new Request(url, requestOf(MESSAGE, headers));

describe('a message', () => {
  it('is read with its parts', async () => {
    const guarded = await guardRequest(requestOf(MESSAGE), config);
    expect(guarded).toEqual({
      ok: true,
      value: { json: MESSAGE, id: 7, method: 'tools/call', params: MESSAGE.params, meta: { k: 1 } },
    });
  });

  it.each([
    ['{"a":1,"a":2}', 'a duplicate key'],
    ['{"\\u0061":1,"a":2}', 'a duplicate key in two spellings'],
    ['{"params":{"__proto__":{}}}', '__proto__'],
    ['{"a":"\\udc00"}', 'a lone surrogate'],
    [`{"a":${'['.repeat(20)}${']'.repeat(20)}}`, 'deep nesting'],
    ['{"a":9007199254740993}', 'an integer beyond a double'],
    ['{"a":1e309}', 'an infinite number'],
    ['{"a":1e99999999999999999999}', 'an exponent beyond a double'],
    ['{"a":123456789.123456789}', 'a fraction beyond a double'],
    ['{"a":1', 'no JSON'],
    ['\u{feff}{}', 'a byte order mark'],
  ])('%s is refused: %s', async (text) => {
    expect(await refused(requestOf(text))).toEqual({ status: 400, code: -32700 });
  });

  it.each([
    '{"a":1.0}',
    '{"a":1e2}',
    '{"a":0.1}',
    '{"a":-0}',
    '{"a":9007199254740992}',
    '{"a":1E+2}',
    '{"a":100000000000000000000}',
  ])('%s holds a number that a double holds', async (text) => {
    expect(await refused(requestOf(text))).toEqual({ status: 200 });
  });

  it.each(['[]', '[{"jsonrpc":"2.0"}]', '"text"', 'null', '1'])(
    '%s is refused: no single message',
    async (text) => {
      expect(await refused(requestOf(text))).toEqual({ status: 400, code: -32600 });
    },
  );

  it('of more values than arguments may have is refused before they are read', async () => {
    const textOf = (values: number) =>
      `{"a":[ ${'1e1, '.repeat(values - 1)}1e1 ],"b":{},"c":"1,2,[3"}`;
    expect(await refused(requestOf(textOf(20_000)))).toEqual({ status: 200 });
    for (const text of [
      textOf(150_000),
      `{"a":[${'[1],'.repeat(150_000)}1]}`,
      `{"a":[${'{},'.repeat(300_000)}1]}`,
      `{${Array.from({ length: 60_000 }, (_, at) => `"${at}":0`).join()}}`,
    ]) {
      const guarded = await guardRequest(requestOf(text), config);
      const answer = guarded.ok ? '' : await guarded.error.text();
      expect(answer).toContain('holds more than 21000 values');
    }
  });

  it('that is not UTF-8 is refused', async () => {
    const request = new Request(`${ORIGIN}/mcp`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: new Uint8Array([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]),
    });
    expect(await refused(request)).toEqual({ status: 400, code: -32700 });
  });

  it('of more than 1 MiB is refused, announced or not', async () => {
    const text = `{"a":"${'x'.repeat(MAX_MESSAGE)}"}`;
    expect(await refused(requestOf(text))).toEqual({ status: 413, code: -32600 });
    const streamed = new Request(`${ORIGIN}/mcp`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: new Blob([text]).stream(),
    });
    expect(await refused(streamed)).toEqual({ status: 413, code: -32600 });
  });
});

describe('headers of a request', () => {
  it.each([
    'text/plain',
    'application/json-rpc',
    'application/json; charset=latin1',
    'application/json, text/plain',
    '',
  ])('with the content type %s are refused', async (type) => {
    const request = requestOf(MESSAGE);
    request.headers.set('Content-Type', type);
    expect(await refused(request)).toEqual({ status: 415, code: -32600 });
  });

  it('with an encoding are refused', async () => {
    const answer = await refused(requestOf(MESSAGE, { 'Content-Encoding': 'gzip' }));
    expect(answer).toEqual({ status: 415, code: -32600 });
  });

  it('name an audience as host, and as origin if there is one', async () => {
    expect(await refused(at('https://second.example/mcp'))).toEqual({ status: 200 });
    expect(await refused(at('https://evil.example/mcp'))).toEqual({ status: 403, code: -32600 });
    for (const origin of [
      'https://evil.example',
      'null',
      'http://gw.example',
      'http://localhost:3000',
    ]) {
      expect(await refused(requestOf(MESSAGE, { Origin: origin })), origin).toMatchObject({
        status: 403,
      });
    }
    expect(await refused(requestOf(MESSAGE, { Origin: ORIGIN }))).toEqual({ status: 200 });
  });

  it('may name this machine in a local stack only', async () => {
    for (const host of ['http://localhost:8787', 'http://127.0.0.1:1', 'http://[::1]:8787']) {
      expect(await refused(at(`${host}/mcp`), 'local_stack'), host).toEqual({ status: 200 });
      expect(await refused(at(`${host}/mcp`)), host).toMatchObject({ status: 403 });
    }
    const rebound = at('http://localhost.evil.example:8787/mcp');
    expect(await refused(rebound, 'local_stack')).toMatchObject({ status: 403 });
  });
});
