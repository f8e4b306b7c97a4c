import { afterEach, expect, test, vi } from 'vitest';
import { postJson } from '../../../src/settlement/post-json.ts';

const OPTIONS = { timeoutMs: 1_000, maxBytes: 1_000 };
const answerWith = (respond: (init: RequestInit) => Response | Promise<Response>) =>
  vi
    .spyOn(globalThis, 'fetch')
    .mockImplementation(async (_, init) => await respond(init as RequestInit));

afterEach(() => {
  vi.restoreAllMocks();
});

test('posts JSON and returns the JSON of any status', async () => {
  const fetched = answerWith(() => Response.json({ a: 1 }, { status: 500 }));
  expect(await postJson('https://a.test/x', { b: 2 }, OPTIONS)).toEqual({
    ok: true,
    value: { status: 500, json: { a: 1 } },
  });
  const [url, init] = fetched.mock.calls[0] as [string, RequestInit];
  expect(url).toBe('https://a.test/x');
  expect(init).toMatchObject({ method: 'POST', body: '{"b":2}', redirect: 'manual' });
});

test.each([301, 302, 307, 308])('rejects a redirect: %i', async (status) => {
  answerWith(() => new Response('{}', { status, headers: { location: 'https://b.test/' } }));
  const answer = await postJson('https://a.test', {}, OPTIONS);
  expect(answer).toEqual({ ok: false, error: { kind: 'redirect' } });
});

test('reads a body of exactly the limit, and stops reading one byte later', async () => {
  const sized = (bytes: number) => `"${'x'.repeat(bytes - 2)}"`;
  answerWith(() => new Response(sized(1_000)));
  expect(await postJson('https://a.test', {}, OPTIONS)).toMatchObject({ ok: true });
  vi.restoreAllMocks();
  let pulled = 0;
  let cancelled = false;
  const endless = new ReadableStream<Uint8Array>({
    pull: (controller) => {
      pulled += 1;
      controller.enqueue(new Uint8Array(300));
    },
    cancel: () => {
      cancelled = true;
    },
  });
  answerWith(() => new Response(endless));
  const answer = await postJson('https://a.test', {}, OPTIONS);
  expect(answer).toEqual({ ok: false, error: { kind: 'too_large' } });
  expect(cancelled).toBe(true);
  expect(pulled).toBeLessThan(10);
});

test('decodes characters that two chunks split', async () => {
  const bytes = new TextEncoder().encode('"é"');
  const stream = new ReadableStream<Uint8Array>({
    start: (controller) => {
      for (const byte of bytes) controller.enqueue(new Uint8Array([byte]));
      controller.close();
    },
  });
  answerWith(() => new Response(stream));
  expect(await postJson('https://a.test', {}, OPTIONS)).toMatchObject({ value: { json: 'é' } });
});

test('times out when the server stays silent', async () => {
  answerWith(
    async ({ signal }) =>
      await new Promise((_, reject) => {
        signal?.addEventListener('abort', () => {
          reject(signal.reason as Error);
        });
      }),
  );
  const answer = await postJson('https://a.test', {}, { ...OPTIONS, timeoutMs: 20 });
  expect(answer).toEqual({ ok: false, error: { kind: 'timeout' } });
});

test('reports a refused connection and an answer that is not JSON', async () => {
  answerWith(() => {
    throw new TypeError('connection refused');
  });
  expect(await postJson('https://a.test', {}, OPTIONS)).toMatchObject({
    error: { kind: 'connection' },
  });
  vi.restoreAllMocks();
  answerWith(() => new Response('<html>'));
  expect(await postJson('https://a.test', {}, OPTIONS)).toMatchObject({
    error: { kind: 'not_json' },
  });
});
