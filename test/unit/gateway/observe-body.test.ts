import { describe, expect, it } from 'vitest';
import { configOf, observe, toolOf } from './fixture.ts';

const config = configOf();

const look = (request: Request) => observe(request, config);
const reasonOf = async (request: Request) => {
  const result = await look(request);
  return result.ok ? undefined : result.error;
};
const at = (path: string, init?: RequestInit) => new Request(`https://host.example${path}`, init);

describe('observeBody', () => {
  it('rejects a body by its Content-Length, and neither reads nor cancels it', async () => {
    let read = 0;
    let cancelled = false;
    const body = new ReadableStream<Uint8Array>(
      {
        pull(controller) {
          read += 1;
          controller.enqueue(new Uint8Array(1));
        },
        cancel: () => {
          cancelled = true;
        },
      },
      { highWaterMark: 0 },
    );
    const request = at('/tools/echo/a', {
      method: 'POST',
      body,
      headers: { 'Content-Length': '1025' },
    });
    expect(await reasonOf(request)).toEqual({ reason: 'body_too_large', limit: 1_024 });
    expect({ read, cancelled }).toEqual({ read: 0, cancelled: false });
  });

  it('stops reading a body of unknown length after a bounded part that it discards', async () => {
    let read = 0;
    let cancelled = false;
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        read += 1;
        controller.enqueue(new Uint8Array(512));
      },
      cancel: () => {
        cancelled = true;
      },
    });
    const request = at('/tools/echo/a', { method: 'POST', body: endless });
    expect(await reasonOf(request)).toEqual({ reason: 'body_too_large', limit: 1_024 });
    expect(read * 512).toBeLessThan(9 * 1_024 * 1_024);
    expect(cancelled).toBe(true);
  });

  it('accepts a body of exactly the limit, also of zero', async () => {
    const post = (bytes: number) =>
      at('/tools/echo/a', { method: 'POST', body: new Uint8Array(bytes) });
    expect((await look(post(1_024))).ok).toBe(true);
    expect(await reasonOf(post(1_025))).toMatchObject({ reason: 'body_too_large' });
    const bodiless = configOf([toolOf({ maxBodyBytes: 0 })]);
    expect((await observe(post(0), bodiless)).ok).toBe(true);
    expect((await observe(post(1), bodiless)).ok).toBe(false);
  });

  it('rejects a body that breaks off', async () => {
    let first = true;
    const broken = new ReadableStream<Uint8Array>({
      pull(controller) {
        if (!first) throw new Error('connection lost');
        first = false;
        controller.enqueue(new Uint8Array(5));
      },
    });
    expect(await reasonOf(at('/tools/echo/a', { method: 'POST', body: broken }))).toEqual({
      reason: 'body_incomplete',
    });
  });

  it('rejects a GET with a body, which fetch cannot forward', async () => {
    const post = at('/tools/echo/a', { method: 'POST', body: 'x' });
    const get = new Proxy(post, {
      get: (target, key) => (key === 'method' ? 'GET' : (Reflect.get(target, key) as unknown)),
    });
    expect(await reasonOf(get)).toMatchObject({ reason: 'malformed_request', field: 'body' });
  });
});
