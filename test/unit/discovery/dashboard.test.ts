import { describe, expect, it } from 'vitest';
import { type DashboardServices, serveDashboard } from '../../../src/discovery/dashboard.ts';

const ETAG = '"of this build"';

/** The files of one build. */
const assets: NonNullable<DashboardServices['assets']> = {
  fetch: async (input: RequestInfo | URL, init?: RequestInit) => {
    const request = new Request(input, init as RequestInit<RequestInitCfProperties>);
    const { pathname } = new URL(request.url);
    if (pathname === '/dashboard/') return new Response('<head></head><body>page</body>');
    if (pathname !== '/dashboard/pay.js') return new Response('none', { status: 404 });
    const headers = { 'Content-Type': 'text/javascript', ETag: ETAG };
    return await Promise.resolve(
      request.headers.get('If-None-Match') === ETAG
        ? new Response(null, { status: 304, headers })
        : new Response('script', { headers }),
    );
  },
} as never;

const KEYS = '[{"name":"owner","privateKey":"0x00"}]';

const get = async (path: string, services: Partial<DashboardServices> = {}, headers = {}) =>
  await serveDashboard(
    { assets, localKeys: undefined, ...services },
    new Request(`https://gw.example${path}`, { headers }),
  );

describe('the files below /dashboard', () => {
  it('serve the script of the public pages, which browsers check against its build', async () => {
    const first = await get('/dashboard/pay.js');
    expect([first.status, await first.text()]).toEqual([200, 'script']);
    expect(first.headers.get('Content-Type')).toBe('text/javascript');
    const again = await get('/dashboard/pay.js', {}, { 'If-None-Match': ETAG });
    expect(again.status).toBe(304);
    expect((await get('/dashboard/pay.js', { assets: undefined })).status).toBe(404);
  });

  it('name keys only on a local stack', async () => {
    const local = await get('/dashboard/local-keys.json', { localKeys: KEYS });
    expect(await local.text()).toBe(KEYS);
    expect((await get('/dashboard/local-keys.json')).status).toBe(404);
    expect(await (await get('/dashboard/agents')).text()).not.toContain('countersign-local-keys');
  });

  it('are the page for every other path, except a file of another build', async () => {
    expect(await (await get('/dashboard/agents/x')).text()).toContain('page');
    expect((await get('/dashboard/assets/old-1234.js')).status).toBe(404);
  });
});
