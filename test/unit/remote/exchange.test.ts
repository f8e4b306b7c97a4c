import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { exchange, type Post } from '../../../src/remote/exchange.ts';
import { answer, event, refuse, type Script, serveRemote, streamed } from './remote-server.ts';

const MAX = 10_000;

const run = async (script: Script, changes: Partial<Post> = {}) => {
  const seen = serveRemote(script);
  const end = await exchange({
    url: 'https://mcp.example/mcp',
    headers: new Headers({ 'Content-Type': 'application/json' }),
    body: { jsonrpc: '2.0', id: 'ours', method: 'tools/call', params: {} },
    signal: AbortSignal.timeout(5_000),
    maxBytes: MAX,
    ...changes,
  });
  return { end, seen };
};

const failed = (fault: string) => expect.objectContaining({ kind: 'failed', fault }) as unknown;
const result = (id: unknown, value: object = { content: [] }) => ({
  jsonrpc: '2.0',
  id,
  result: value,
});

beforeEach(() => {
  vi.spyOn(console, 'error').mockImplementation(() => undefined);
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

describe('an answer as JSON', () => {
  it('is the result with our id', async () => {
    const { end, seen } = await run((request) => answer(request, { content: [] }));
    expect(end).toMatchObject({ kind: 'result', result: { content: [] } });
    expect(seen[0]).toMatchObject({ method: 'POST', redirect: 'manual' });
  });

  it.each([
    ['another id', result('theirs')],
    ['our id as a number', result(1)],
    ['no id', { jsonrpc: '2.0', result: {} }],
    ['a batch', [result('ours')]],
    ['no version', { id: 'ours', result: {} }],
    ['result and error', { ...result('ours'), error: { code: 1, message: '' } }],
    ['neither', { jsonrpc: '2.0', id: 'ours' }],
    ['a result that is no object', { jsonrpc: '2.0', id: 'ours', result: 'x' }],
    ['an error without a code', { jsonrpc: '2.0', id: 'ours', error: { message: 'x' } }],
    ['a request of the server', { jsonrpc: '2.0', id: 'ours', method: 'ping' }],
    ['a text', 'hello'],
    ['null', null],
  ])('is malformed with %s', async (_, json) => {
    expect((await run(() => Response.json(json))).end).toEqual(failed('malformed'));
  });

  it('is malformed if it is no JSON, or says that it is HTML', async () => {
    const json = { headers: { 'Content-Type': 'application/json' } };
    expect((await run(() => new Response('<html>', json))).end).toEqual(failed('malformed'));
    const html = { headers: { 'Content-Type': 'text/html' } };
    const text = JSON.stringify(result('ours'));
    expect((await run(() => new Response(text, html))).end).toEqual(failed('malformed'));
  });

  it('is malformed if it nests deeper than 64 levels, and never overflows the stack', async () => {
    const deep = (levels: number) =>
      `{"jsonrpc":"2.0","id":"ours","result":{"a":${'['.repeat(levels)}${']'.repeat(levels)}}}`;
    const send = (text: string) => () =>
      new Response(text, { headers: { 'Content-Type': 'application/json' } });
    expect((await run(send(deep(60)))).end).toMatchObject({ kind: 'result' });
    expect((await run(send(deep(70)))).end).toEqual(failed('malformed'));
    const bomb = await run(send(deep(400_000)), { maxBytes: 1_000_000 });
    expect(bomb.end).toEqual(failed('malformed'));
  });

  it('is refused unread if it announces a gigabyte, and cut off if it only sends one', async () => {
    let cancelled = false;
    let sent = 0;
    const endless = () =>
      new ReadableStream<Uint8Array>(
        {
          pull(controller) {
            sent += 1;
            controller.enqueue(new Uint8Array(1_000).fill(0x20));
          },
          cancel() {
            cancelled = true;
          },
        },
        { highWaterMark: 0 },
      );
    const json = { 'Content-Type': 'application/json' };
    const announced = await run(
      () => new Response(endless(), { headers: { ...json, 'Content-Length': '1000000000' } }),
    );
    expect(announced.end).toEqual(failed('oversized'));
    expect({ sent, cancelled }).toEqual({ sent: 0, cancelled: true });
    cancelled = false;
    expect((await run(() => new Response(endless(), { headers: json }))).end).toEqual(
      failed('oversized'),
    );
    expect(sent).toBeLessThanOrEqual(MAX / 1_000 + 1);
    expect(cancelled).toBe(true);
  });
});

describe('an answer as an event stream', () => {
  it('ends at the response with our id, whatever follows', async () => {
    const endless = function* () {
      yield 'id: 0\ndata: \n\n';
      yield event(result('theirs', { content: ['theirs'] }));
      yield event({ jsonrpc: '2.0', id: 'ours', method: 'sampling/createMessage', params: {} });
      yield event(result('ours', { content: ['ours'] }));
      for (;;) yield event(result('more'));
    };
    const { response, taken, cancelled } = streamed(endless());
    expect((await run(() => response)).end).toMatchObject({ result: { content: ['ours'] } });
    expect(taken()).toBe(4);
    await vi.waitFor(() => expect(cancelled()).toBe(true), { timeout: 30_000 });
  });

  it('passes notifications on, and counts them against the cap', async () => {
    const progress = { jsonrpc: '2.0', method: 'notifications/progress', params: { progress: 1 } };
    const heard: unknown[] = [];
    const { response } = streamed([event(progress), event(result('ours'))]);
    const onNotification = (method: string, params: object) => heard.push([method, params]);
    await run(() => response, { onNotification });
    expect(heard).toEqual([['notifications/progress', { progress: 1 }]]);

    const endless = function* () {
      for (;;) yield event(progress);
    };
    const many = streamed(endless());
    expect((await run(() => many.response)).end).toEqual(failed('oversized'));
    const short = streamed(endless());
    const unbounded = { maxBytes: 1e9, onNotification: () => undefined };
    expect((await run(() => short.response, unbounded)).end).toEqual(failed('oversized'));
    expect(short.taken()).toBe(1_001);
  });

  it('is malformed with an event that is no JSON-RPC, and truncated without a response', async () => {
    expect((await run(() => streamed(['data: hello\n\n']).response)).end).toEqual(
      failed('malformed'),
    );
    expect((await run(() => streamed([event(result('theirs'))]).response)).end).toEqual(
      failed('truncated'),
    );
    expect((await run(() => streamed([]).response)).end).toEqual(failed('truncated'));
  });

  it('is oversized with one event that never ends', async () => {
    const endless = function* () {
      yield 'data: ';
      for (;;) yield 'x'.repeat(500);
    };
    const { response, taken } = streamed(endless());
    expect((await run(() => response)).end).toEqual(failed('oversized'));
    expect(taken()).toBeLessThan(25);
  });
});

describe('a server that does not answer the call', () => {
  it.each([301, 302, 303, 307, 308])('is not followed to where %i points', async (status) => {
    const headers = { Location: 'http://169.254.169.254/' };
    const { end, seen } = await run(() => new Response(null, { status, headers }));
    expect(end).toEqual(failed('redirect'));
    expect(seen).toHaveLength(1);
  });

  it('may not ask for money, or use an encoding that the cap cannot count', async () => {
    expect((await run(() => new Response('{}', { status: 402 }))).end).toEqual(failed('payment'));
    const headers = { 'Content-Encoding': 'zstd', 'Content-Type': 'application/json' };
    expect((await run(() => new Response('{}', { headers }))).end).toEqual(failed('encoding'));
  });

  it('gives its JSON-RPC error, also under an HTTP error and without an id', async () => {
    const error = { code: -32_021, message: 'needs sampling', data: { a: 1 } };
    expect((await run((request) => refuse(request, 400, error))).end).toEqual({
      kind: 'error',
      status: 400,
      error,
    });
    const anonymous = { jsonrpc: '2.0', id: null, error };
    expect((await run(() => Response.json(anonymous, { status: 400 }))).end).toMatchObject({
      kind: 'error',
    });
    expect((await run(() => Response.json(anonymous))).end).toEqual(failed('malformed'));
  });

  it.each([401, 403, 404, 500, 503])('is a failure with its status %i', async (status) => {
    expect((await run(() => new Response('no', { status }))).end).toEqual({
      kind: 'failed',
      fault: 'status',
      status,
    });
    // A result with an error status is no success.
    const lie = () => Response.json(result('ours'), { status });
    expect((await run(lie)).end).toMatchObject({ kind: 'failed', fault: 'status' });
  });

  it('is a failure if it breaks off, refuses the connection, or drips', async () => {
    const broken = () =>
      new Response(
        new ReadableStream({ pull: (controller) => controller.error(new Error('gone')) }),
        { headers: { 'Content-Type': 'application/json' } },
      );
    expect((await run(broken)).end).toEqual(failed('truncated'));
    const refused = () => {
      throw new TypeError('connection refused');
    };
    expect((await run(refused)).end).toEqual(failed('dropped'));

    const drip: Script = (_, { signal }) => {
      const body = new ReadableStream<Uint8Array>({
        start(controller) {
          const timer = setInterval(() => controller.enqueue(new Uint8Array([0x20])), 20);
          signal?.addEventListener('abort', () => {
            clearInterval(timer);
            controller.error(new Error('aborted'));
          });
        },
      });
      return new Response(body, { headers: { 'Content-Type': 'application/json' } });
    };
    const slow = await run(drip, { signal: AbortSignal.timeout(150) });
    expect(slow.end).toEqual(failed('timeout'));
  });
});
