import { env } from 'cloudflare:workers';
import { afterEach, expect, it, vi } from 'vitest';
import { parseConfig } from '../../../src/config/config.ts';
import { dispatch } from '../../../src/gateway/dispatch.ts';
import type { BoundFetcher } from '../../../src/gateway/gateway.ts';
import type { ReceivedRequest } from '../../../src/gateway/paid-request.ts';
import { AUDIENCE, configOf, toolOf } from './fixture.ts';

const bound = Reflect.get(env, 'BOUND') as BoundFetcher;

const received = (target: string): ReceivedRequest => ({
  audience: AUDIENCE,
  tool: 'echo',
  method: 'POST',
  target,
  contentType: 'text/plain',
  payloadDigest: `0x${'00'.repeat(32)}`,
  body: new Uint8Array(new TextEncoder().encode('hello')),
  request: `0x${'11'.repeat(32)}`,
});

const run = (target: string, service: BoundFetcher | undefined) => {
  const tool = toolOf({ upstream: { service: 'BOUND', path: '/x' } });
  return dispatch(configOf([tool]), tool, received(target), {
    headers: new Headers({ Cookie: 'a=b' }),
    assertion: 'the.jws.here',
    maxCharge: tool.price,
    service,
  });
};

afterEach(() => {
  vi.unstubAllGlobals();
});

it('gets the signed request through its binding, with the assertion and no cookie', async () => {
  const result = await run('/tools/echo/a?b=%20c', bound);
  if (result.kind !== 'answered') throw new Error(JSON.stringify(result));
  expect(JSON.parse(new TextDecoder().decode(result.body))).toEqual({
    method: 'POST',
    url: 'https://bound.service.internal/x/a?b=%20c',
    assertion: 'the.jws.here',
    cookie: null,
    body: 'hello',
  });
});

it('fails on a redirect of a bound Worker, and follows none', async () => {
  vi.spyOn(console, 'error').mockImplementation(() => undefined);
  expect(await run('/tools/echo/away', bound)).toEqual({ kind: 'failed', reason: 'redirect' });
});

it('sends nothing to the public internet if the binding is missing', async () => {
  const fetched = vi.fn<typeof fetch>(async () => new Response('stranger'));
  vi.stubGlobal('fetch', fetched);
  expect(await run('/tools/echo/a', undefined)).toEqual({ kind: 'failed', reason: 'dropped' });
  expect(fetched).not.toHaveBeenCalled();
});

it('is named as a fault of tools.json if wrangler.toml does not bind it', () => {
  const tools = {
    tools: [
      {
        ...{ id: 'x', method: 'GET', path: '/x', description: 'X.', price: '$0' },
        ...{ settlement: 'free', upstream: { service: 'BOUND', path: '/x' } },
      },
    ],
  };
  const faultsWith = (services: readonly string[]) => {
    const parsed = parseConfig(env, tools, services);
    return parsed.ok ? [] : parsed.error;
  };
  expect(faultsWith(['BOUND'])).toEqual([]);
  expect(faultsWith([])).toEqual([
    {
      name: 'tools.json',
      reason: 'names a service binding that wrangler.toml does not have: BOUND, of tool x',
    },
  ]);
});
