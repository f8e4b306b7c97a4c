import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Tool } from '../../../src/catalog/tool.ts';
import { dispatch } from '../../../src/gateway/dispatch.ts';
import { MAX_WHOLE, type ReceivedRequest } from '../../../src/gateway/paid-request.ts';
import { AUDIENCE, configOf, toolOf } from './fixture.ts';

const observed: ReceivedRequest = {
  audience: AUDIENCE,
  tool: 'echo',
  method: 'POST',
  target: '/tools/echo/a?b=%20c',
  contentType: 'text/plain',
  payloadDigest: `0x${'00'.repeat(32)}`,
  body: new Uint8Array(new TextEncoder().encode('hello')),
  request: `0x${'11'.repeat(32)}`,
};

type Upstream = (request: Request, init: RequestInit) => Promise<Response> | Response;

/** Replaces the network by an upstream. */
const upstream = (answer: Upstream) => {
  const seen: Request[] = [];
  vi.stubGlobal('fetch', async (url: string, init: RequestInit) => {
    const request = new Request(url, init);
    seen.push(request);
    return answer(request, init);
  });
  return seen;
};
afterEach(() => {
  vi.unstubAllGlobals();
});

const run = (
  change: Partial<Tool> = {},
  seen: Partial<ReceivedRequest> = {},
  headers: Record<string, string> = {},
) => {
  const tool = toolOf(change);
  return dispatch(
    configOf([tool]),
    tool,
    { ...observed, ...seen },
    {
      headers: new Headers(headers),
      assertion: 'the.jws.here',
      maxCharge: tool.price,
      service: undefined,
    },
  );
};

const cut = (chunks: readonly Uint8Array[]) => {
  const left = [...chunks];
  return new ReadableStream<Uint8Array>({
    pull(controller) {
      const chunk = left.shift();
      if (chunk === undefined) controller.error(new Error('connection lost'));
      else controller.enqueue(chunk);
    },
  });
};

describe('dispatch', () => {
  it('sends the signed request with the assertion, and no other header of the caller', async () => {
    const requests = upstream(() => new Response('ok'));
    await run({}, {}, { 'PAYMENT-SIGNATURE': 'secret', Cookie: 'a=b', Accept: 'text/plain' });
    const [request] = requests;
    expect(requests).toHaveLength(1);
    expect(request?.url).toBe('https://api.example/echo/a?b=%20c');
    expect(request?.method).toBe('POST');
    expect(await request?.text()).toBe('hello');
    expect(request?.redirect).toBe('manual');
    expect(Object.fromEntries(request?.headers ?? [])).toEqual({
      accept: 'text/plain',
      'accept-encoding': 'identity',
      'content-type': 'text/plain',
      'x-agent-assertion': 'the.jws.here',
    });
  });

  it('bypasses caches, so that no agent gets the answer of another', async () => {
    let cache: unknown;
    upstream((_, init) => {
      cache = init.cache;
      return new Response('ok');
    });
    await run();
    expect(cache).toBe('no-store');
  });

  it('reads a short answer completely, with its digest', async () => {
    upstream(
      () => new Response('hello', { status: 201, headers: { 'Set-Cookie': 'a=b', 'X-Mine': '1' } }),
    );
    const result = await run();
    expect(result).toMatchObject({
      kind: 'answered',
      status: 201,
      body: new TextEncoder().encode('hello'),
      digest: '0x2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824',
    });
    if (result.kind !== 'answered') return;
    expect(result.headers).toEqual({
      'cache-control': 'private, no-store',
      'content-type': 'text/plain;charset=UTF-8',
      'x-mine': '1',
    });
  });

  it.each([400, 404, 409, 500, 503])('passes on a status %i with its body', async (status) => {
    upstream(() => new Response('no', { status }));
    expect(await run()).toMatchObject({
      kind: 'answered',
      status,
      body: new TextEncoder().encode('no'),
    });
  });

  it.each([204, 205, 304])('passes on a status %i without a body', async (status) => {
    upstream(() => new Response(null, { status, headers: { 'Content-Length': '7' } }));
    expect(await run()).toMatchObject({ kind: 'answered', status, body: new Uint8Array(0) });
  });

  it.each([300, 301, 302, 303, 305, 307, 308])(
    'fails on a redirect %i, and logs the tool but not the location',
    async (status) => {
      const log = vi.spyOn(console, 'error').mockImplementation(() => undefined);
      const headers = { Location: 'https://elsewhere.example/?key=hunter2' };
      const requests = upstream(() => new Response(null, { status, headers }));
      expect(await run()).toEqual({ kind: 'failed', reason: 'redirect' });
      expect(requests).toHaveLength(1);
      expect(log.mock.calls).toEqual([[{ event: 'upstream_redirect', tool: toolOf().id, status }]]);
      log.mockRestore();
    },
  );

  it('reads up to 64 KiB completely, and streams every byte of a longer answer', async () => {
    upstream(() => new Response(new Uint8Array(MAX_WHOLE)));
    expect(await run()).toMatchObject({ kind: 'answered' });

    const long = crypto.getRandomValues(new Uint8Array(MAX_WHOLE + 1).subarray(0, 60_000));
    const bytes = new Uint8Array([...long, ...long]);
    upstream(() => new Response(bytes));
    const result = await run();
    expect(result.kind).toBe('streaming');
    if (result.kind !== 'streaming') return;
    expect(new Uint8Array(await new Response(result.body).arrayBuffer())).toEqual(bytes);
    expect(result.headers['content-length']).toBeUndefined();
  });

  it.each(['text/event-stream', 'Text/Event-Stream; charset=utf-8'])(
    'streams %s from its first byte',
    async (type) => {
      const stream = new TransformStream<Uint8Array, Uint8Array>();
      upstream(() => new Response(stream.readable, { headers: { 'Content-Type': type } }));
      const result = await run();
      expect(result.kind).toBe('streaming');
      if (result.kind !== 'streaming') return;
      const writer = stream.writable.getWriter();
      const writing = writer
        .write(new TextEncoder().encode('data: 1\n\n'))
        .then(() => writer.close());
      expect(await new Response(result.body).text()).toBe('data: 1\n\n');
      await writing;
    },
  );

  it('reports a connection that breaks before the answer', async () => {
    upstream(() => {
      throw new Error('Network connection lost.');
    });
    const logged = vi.spyOn(console, 'error').mockReturnValue();
    expect(await run()).toEqual({ kind: 'failed', reason: 'dropped' });
    expect(logged.mock.calls).toEqual([
      [{ event: 'upstream_dropped', tool: toolOf().id, cause: 'Error: Network connection lost.' }],
    ]);
    logged.mockRestore();
  });

  it.each([600, 999])('treats a status %i as no answer', async (status) => {
    upstream(() => {
      const response = new Response('x');
      return new Proxy(response, {
        get: (target, key) => {
          if (key === 'status') return status;
          const value: unknown = Reflect.get(target, key);
          return typeof value === 'function' ? (value.bind(target) as unknown) : value;
        },
      });
    });
    expect(await run()).toEqual({ kind: 'failed', reason: 'dropped' });
  });

  it('reports an answer that breaks off', async () => {
    upstream(() => new Response(cut([new Uint8Array(5)])));
    expect(await run()).toEqual({ kind: 'failed', reason: 'truncated' });
  });

  it('reports an answer shorter than its Content-Length', async () => {
    upstream(() => new Response('hello', { headers: { 'Content-Length': '100' } }));
    expect(await run()).toEqual({ kind: 'failed', reason: 'truncated' });
  });

  it.each([{}, { 'Transfer-Encoding': 'chunked' }, { 'Transfer-Encoding': 'identity' }])(
    'reads no more than the limit whatever length is declared (with %j)',
    async (beside) => {
      const headers = { 'Content-Length': '5', ...beside };
      upstream(() => new Response(new Uint8Array(MAX_WHOLE + 1), { headers }));
      expect(await run()).toMatchObject({ kind: 'streaming', status: 200 });
    },
  );

  it.each(['gzip', 'br'])(
    'does not compare the decoded length of %s with Content-Length',
    async (encoding) => {
      const headers = { 'Content-Length': '3', 'Content-Encoding': encoding };
      // The runtime decodes the body but keeps the headers.
      upstream(() => new Response('hello', { headers, encodeBody: 'manual' }));
      const result = await run();
      expect(result).toMatchObject({ kind: 'answered', status: 200 });
      if (result.kind === 'answered') expect(result.headers['content-encoding']).toBeUndefined();
    },
  );

  it('accepts a HEAD answer with a length and no body', async () => {
    upstream(() => new Response(null, { headers: { 'Content-Length': '100' } }));
    expect(await run({}, { method: 'HEAD', body: undefined })).toMatchObject({
      kind: 'answered',
      status: 200,
    });
  });

  it("times out after the tool's timeout, before the headers and within the body", async () => {
    const aborted = (signal: AbortSignal | null | undefined) =>
      new Promise<never>((_, reject) => {
        signal?.addEventListener('abort', () => reject(new Error('aborted')));
      });
    upstream((_, { signal }) => aborted(signal));
    expect(await run({ timeoutSeconds: 0.05 })).toEqual({ kind: 'failed', reason: 'timeout' });

    upstream((_, { signal }) => {
      const body = new ReadableStream<Uint8Array>({
        async pull(controller) {
          await aborted(signal).catch((cause: unknown) => controller.error(cause));
        },
      });
      return new Response(body);
    });
    expect(await run({ timeoutSeconds: 0.05 })).toEqual({ kind: 'failed', reason: 'timeout' });
  });

  it("lets a stream continue after the tool's timeout", async () => {
    let signal: AbortSignal | null | undefined;
    upstream((_, init) => {
      signal = init.signal;
      return new Response(new TransformStream<Uint8Array, Uint8Array>().readable, {
        headers: { 'Content-Type': 'text/event-stream' },
      });
    });
    const result = await run({ timeoutSeconds: 0.02 });
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect(result.kind).toBe('streaming');
    expect(signal?.aborted).toBe(false);
  });

  it.each([
    ['a 402 of its own', () => new Response('{"accepts":[]}', { status: 402 }), 'payment'],
    [
      'an encoding that was not requested',
      () => new Response('x', { headers: { 'Content-Encoding': 'zstd' }, encodeBody: 'manual' }),
      'encoding',
    ],
  ] as const)('does not pass on %s', async (_, answer, reason) => {
    upstream(answer);
    expect(await run()).toEqual({ kind: 'failed', reason });
  });
});
