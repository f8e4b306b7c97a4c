import { afterEach, describe, expect, it, vi } from 'vitest';
import { openSession, type SessionOptions } from '../../../src/remote/session.ts';
import { answer, refuse, type Script, type Seen, serveRemote } from './remote-server.ts';

let servers = 0;

/** Opens a session with a server that no other test uses, because an isolate remembers a server's protocol version. */
const open = (options: Partial<SessionOptions> = {}) => {
  servers += 1;
  return openSession({
    url: `https://mcp${servers}.example/mcp`,
    signal: AbortSignal.timeout(5_000),
    maxBytes: 10_000,
    ...options,
  });
};

const legacy =
  (refusal: (seen: Seen) => Response, session?: string): Script =>
  (seen) => {
    const { method } = seen.message;
    if (seen.method === 'DELETE') return new Response(null, { status: 200 });
    if (seen.headers.get('mcp-protocol-version') === '2026-07-28') return refusal(seen);
    if (method === 'initialize') {
      const headers = session === undefined ? {} : { 'Mcp-Session-Id': session };
      const hello = answer(seen, { protocolVersion: '2025-06-18', capabilities: {} });
      return new Response(hello.body, {
        headers: { 'Content-Type': 'application/json', ...headers },
      });
    }
    if (method === 'notifications/initialized') return new Response(null, { status: 202 });
    return answer(seen, { era: 'legacy' });
  };

afterEach(() => {
  vi.unstubAllGlobals();
});

describe('a server of revision 2026-07-28', () => {
  it('gets one request that states version, method, name and capabilities', async () => {
    const seen = serveRemote((request) => answer(request, { content: [] }));
    const session = open({
      headers: new Headers({ 'X-Agent-Assertion': 'the.jws.here' }),
      capabilities: { elicitation: {} },
      logLevel: 'info',
    });
    const params = { name: 'search', arguments: { q: 'x' }, _meta: { progressToken: 1 } };
    expect(await session.request('tools/call', params)).toMatchObject({ kind: 'result' });
    await session.close();
    expect(seen).toHaveLength(1);
    const [only] = seen;
    expect(Object.fromEntries(only?.headers ?? [])).toEqual({
      accept: 'application/json, text/event-stream',
      'accept-encoding': 'identity',
      'content-type': 'application/json',
      'mcp-method': 'tools/call',
      'mcp-name': 'search',
      'mcp-protocol-version': '2026-07-28',
      'x-agent-assertion': 'the.jws.here',
    });
    expect(only?.message).toEqual({
      jsonrpc: '2.0',
      id: expect.stringMatching(/^[0-9a-f-]{36}$/) as unknown,
      method: 'tools/call',
      params: {
        name: 'search',
        arguments: { q: 'x' },
        _meta: {
          progressToken: 1,
          'io.modelcontextprotocol/protocolVersion': '2026-07-28',
          'io.modelcontextprotocol/clientInfo': { name: 'countersign', version: '0.1.0' },
          'io.modelcontextprotocol/clientCapabilities': { elicitation: {} },
          'io.modelcontextprotocol/logLevel': 'info',
        },
      },
    });
  });

  it.each([
    ['file:///a', 'file:///a'],
    ['Ä', '=?base64?w4Q=?='],
    [' a', '=?base64?IGE=?='],
    ['=?base64?x', '=?base64?PT9iYXNlNjQ/eA==?='],
  ])('gets the URI %j as %j', async (uri, header) => {
    const seen = serveRemote((request) => answer(request, {}));
    await open().request('resources/read', { uri });
    expect(seen[0]?.headers.get('mcp-name')).toBe(header);
  });

  it.each([
    [400, -32_602],
    [400, -32_021],
    [200, -32_602],
    [500, -32_603],
  ])('is not asked again after an error %i %i of its own', async (status, code) => {
    const seen = serveRemote((request) => refuse(request, status, { code, message: 'no' }));
    expect(await open().request('tools/call', { name: 'x' })).toMatchObject({
      kind: 'error',
      error: { code },
    });
    expect(seen).toHaveLength(1);
  });

  it.each([401, 403, 500, 503])('is not asked again after a status %i', async (status) => {
    const seen = serveRemote(() => new Response('no', { status }));
    expect(await open().request('tools/call', { name: 'x' })).toMatchObject({ kind: 'failed' });
    expect(seen).toHaveLength(1);
  });
});

describe('a server of an older revision', () => {
  it.each<[string, (seen: Seen) => Response]>([
    ['400', () => new Response('no session', { status: 400 })],
    ['404', () => new Response('', { status: 404 })],
    ['400 -32000', (seen) => refuse(seen, 400, { code: -32_000, message: 'Bad Request' })],
    ['200 -32601', (seen) => refuse(seen, 200, { code: -32_601, message: 'unknown' })],
    ['400 -32022', (seen) => refuse(seen, 400, { code: -32_022, message: 'version' })],
  ])('is initialized after it answers %s, in a session that ends with the call', async (_, no) => {
    const seen = serveRemote(legacy(no, 'abc123'));
    const session = open({ headers: new Headers({ 'X-Agent-Assertion': 'jws' }) });
    expect(await session.request('tools/call', { name: 'x' })).toMatchObject({
      result: { era: 'legacy' },
    });
    expect(await session.request('tools/list', {})).toMatchObject({ kind: 'result' });
    await session.close();
    expect(seen.map(({ method, message }) => message.method ?? method)).toEqual([
      ...['tools/call', 'initialize', 'notifications/initialized', 'tools/call', 'tools/list'],
      'DELETE',
    ]);
    const own = seen.slice(2);
    expect(own.map(({ headers }) => headers.get('mcp-session-id'))).toEqual(
      own.map(() => 'abc123'),
    );
    expect(own.map(({ headers }) => headers.get('mcp-protocol-version'))).toEqual(
      own.map(() => '2025-06-18'),
    );
    expect(own.every(({ headers }) => headers.get('x-agent-assertion') === 'jws')).toBe(true);
    expect(own[1]?.message.params).toEqual({ name: 'x' });
  });

  it('is remembered, and never shares a session between calls', async () => {
    let sessions = 0;
    const seen = serveRemote((request) => {
      if (request.message.method === 'initialize') sessions += 1;
      return legacy(() => new Response(null, { status: 400 }), `s${sessions}`)(request, {});
    });
    const options = { url: 'https://remembered.example/mcp' };
    await open(options).request('tools/list', {});
    await open(options).request('tools/list', {});
    expect(seen.map(({ message }) => message.method)).toEqual([
      ...['tools/list', 'initialize', 'notifications/initialized', 'tools/list'],
      ...['initialize', 'notifications/initialized', 'tools/list'],
    ]);
    expect(seen.at(-1)?.headers.get('mcp-session-id')).toBe('s2');
  });

  it('opens no session that it does not offer, or whose id is no header', async () => {
    const seen = serveRemote(legacy(() => new Response(null, { status: 404 }), 'ä'));
    const session = open();
    await session.request('tools/list', {});
    await session.close();
    expect(seen.at(-1)?.headers.has('mcp-session-id')).toBe(false);
  });

  it('is refused if it speaks no revision that the gateway knows', async () => {
    serveRemote((request) =>
      request.message.method === 'initialize'
        ? answer(request, { protocolVersion: '1999-01-01' })
        : new Response(null, { status: 404 }),
    );
    expect(await open().request('tools/list', {})).toEqual({
      kind: 'failed',
      fault: 'status',
      status: 404,
    });
  });
});
