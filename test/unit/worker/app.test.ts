import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { openApi } from '../../../dev/openapi/document.ts';
import { app } from '../../support/deployed.ts';
// oxlint-disable-next-line import/default -- Vite gives the text of a file as its default export
import wrangler from '../../../wrangler.toml?raw';
import { freshDatabase } from '../audit/database.ts';

beforeAll(freshDatabase);

const get = async (path: string, init: RequestInit = {}, variables: Partial<Env> = {}) => {
  const context = createExecutionContext();
  const request = new Request(`https://gateway.example${path}`, init);
  const answer = await app.fetch(request, { ...env, ...variables }, context);
  await waitOnExecutionContext(context);
  return answer;
};

describe('the routes of the gateway itself', () => {
  it('describe how to sign, publicly and cacheable', async () => {
    const answer = await get('/.well-known/agent-intent');
    expect(answer.status).toBe(200);
    expect(answer.headers.get('Cache-Control')).toBe('public, max-age=300');
    expect(answer.headers.get('Access-Control-Allow-Origin')).toBe('*');
    expect(await answer.json()).toMatchObject({ audience: 'https://gateway.example' });
  });

  it('publish the key of receipts, and former ones, each once', async () => {
    const keysOf = async (variables: Partial<Env> = {}) => {
      const answer = await get('/.well-known/jwks.json', {}, variables);
      return (await answer.json<{ keys: { kid: string; x: string }[] }>()).keys;
    };
    const [current] = await keysOf();
    // RFC 8037's example, whose thumbprint is in its appendix A.3.
    const former = {
      kty: 'OKP',
      crv: 'Ed25519',
      x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo',
    };
    const listed = await keysOf({ FORMER_RECEIPT_KEYS: JSON.stringify([former, current]) });
    expect(listed).toEqual([
      current,
      {
        ...former,
        ...{ kid: 'kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k', alg: 'EdDSA', use: 'sig' },
      },
    ]);
  });

  it('precede the tools, each with its own method', async () => {
    const id = `0x${'00'.repeat(32)}`;
    expect((await get('/credits?amount=50000', { method: 'POST' })).status).toBe(402);
    expect((await get(`/calls/${id}`)).status).toBe(401);
    expect((await get('/admin/credits/refunds', { method: 'POST' })).status).toBe(401);
    expect((await get('/accounts/me')).status).toBe(401);
    for (const [path, method] of [
      ['/delegations', 'PUT'],
      ['/revocations', 'POST'],
    ] as const) {
      expect((await get(path, { method, body: '{}' })).status, path).toBe(400);
      expect((await get(path)).headers.get('Allow'), path).toBe(method);
    }
    expect((await get('/accounts/me', { method: 'POST' })).headers.get('Allow')).toBe('GET');
    expect((await get('/admin/credits/refunds')).headers.get('Allow')).toBe('POST');
    expect((await get('/credits')).status).toBe(405);
    expect((await get(`/calls/${id}`, { method: 'POST' })).status).toBe(405);
    for (const path of [
      '/credits/',
      '/calls',
      '/calls/',
      '/admin',
      '/accounts',
      '/Credits?amount=5',
    ])
      expect((await get(path)).status, path).toBe(404);
    // Another spelling of the path matches no route.
    expect((await get('/%63redits?amount=5', { method: 'POST' })).status).toBe(400);
  });

  it('have no facilitator without FACILITATES', async () => {
    for (const path of ['supported', 'verify', 'settle', 'payments/a/b/c']) {
      const answer = await get(`/facilitator/${path}`, { method: 'POST', body: '{}' });
      expect(answer.status, path).toBe(404);
      expect(await answer.json()).toMatchObject({ type: 'urn:countersign:problem:not-found' });
    }
  });

  it('while paused: start nothing new; look-ups, revocations and refunds work', async () => {
    const paused = { PAUSED: 'true' };
    expect((await get('/credits?amount=50000', { method: 'POST' }, paused)).status).toBe(503);
    expect((await get('/tools/lookup?word=tea', {}, paused)).status).toBe(503);
    const grant = { method: 'PUT', body: '{}' };
    expect((await get('/delegations', grant, paused)).status).toBe(503);
    const taken = { method: 'POST', body: '{}' };
    expect((await get('/revocations', taken, paused)).status).toBe(400);
    expect((await get('/accounts/me', {}, paused)).status).toBe(401);
    expect((await get(`/calls/0x${'00'.repeat(32)}`, {}, paused)).status).toBe(401);
    expect((await get('/admin/credits/refunds', { method: 'POST' }, paused)).status).toBe(401);
  });
});

describe('calls of tools, which do not pass the router', () => {
  const TOOL = '/tools/lookup?word=tea';
  /** The same answer by way of the router, which takes an escape for one of its own paths. */
  const ROUTED = '/%74ools/lookup?word=tea';

  const problemOf = async (answer: Response) => {
    expect(answer.headers.get('Access-Control-Allow-Origin')).toBe('*');
    expect(answer.headers.get('Access-Control-Expose-Headers')).toContain('PAYMENT-REQUIRED');
    return [answer.status, (await answer.json<{ type: string }>()).type.split(':').at(-1)];
  };

  it('are readable for pages of every origin', async () => {
    const offer = await get(TOOL);
    expect(offer.headers.get('PAYMENT-REQUIRED')).not.toBeNull();
    expect(await problemOf(offer)).toEqual([402, 'payment-required']);
    expect(await problemOf(await get('/tools/none'))).toEqual([404, 'not-found']);
    expect(await problemOf(await get(TOOL, { method: 'POST', body: 'x' }))).toEqual([
      405,
      'method-not-allowed',
    ]);
  });

  it.each([
    ['paused', { PAUSED: 'true' }, 'paused'],
    ['not configured', { PAY_TO: 'x' }, 'misconfigured'],
    ['without a key', { RECEIPT_KEY: '{}' }, 'misconfigured'],
  ])('are refused alike while the gateway is %s', async (_, variables, type) => {
    for (const path of [TOOL, ROUTED])
      expect(await problemOf(await get(path, {}, variables)), path).toEqual([503, type]);
  });

  it('answer an error that nothing handles with a problem', async () => {
    const logged = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const broken = new Proxy<Env>(env, {
      get: (target, name) => {
        if (name === 'RECEIPT_KEY') throw new Error('broken');
        return Reflect.get(target, name) as unknown;
      },
    });
    for (const path of [TOOL, ROUTED]) {
      const request = new Request(`https://gateway.example${path}`);
      const answer = await app.fetch(request, broken, createExecutionContext());
      expect(await problemOf(answer), path).toEqual([500, 'internal']);
    }
    expect(logged.mock.calls.map(([line]) => (line as { event: string }).event)).toEqual([
      'unhandled',
      'unhandled',
    ]);
    logged.mockRestore();
  });

  it('refuse escapes that no path needs, and read others', async () => {
    expect(await problemOf(await get(ROUTED))).toEqual([400, 'not-canonical']);
    expect(await problemOf(await get('/tools/l%6fokup?word=tea'))).toEqual([400, 'not-canonical']);
    expect(await problemOf(await get('/tools/lookup?word=%74ea'))).toEqual([
      402,
      'payment-required',
    ]);
  });

  it('have no body in answers to HEAD', async () => {
    const head = await get(TOOL, { method: 'HEAD' });
    expect([head.status, await head.text()]).toEqual([405, '']);
    expect(head.headers.get('Access-Control-Allow-Origin')).toBe('*');
  });

  it('include the folders of a log and a facilitator that the gateway does not have', async () => {
    for (const path of ['/log/checkpoint', '/facilitator/supported', '/log', '/facilitator'])
      expect(await problemOf(await get(path, {}, { LOG_KEY: '' } as Partial<Env>)), path).toEqual([
        404,
        'not-found',
      ]);
  });
});

describe('the documents about the tools', () => {
  const documents = ['/', '/llms.txt', '/.well-known/x402', '/openapi.json'];
  const management = JSON.stringify(openApi('1.2.3'));
  /** A deployment's static assets. */
  const ASSETS = { fetch: async () => new Response(management) } as unknown as Fetcher;
  const html = { headers: { Accept: 'text/html,application/xhtml+xml' } };

  it('are public: a page for browsers, and JSON and text for programs', async () => {
    for (const [path, init, type] of [
      ['/', html, 'text/html; charset=utf-8'],
      ['/', {}, 'application/json'],
      ['/llms.txt', {}, 'text/plain; charset=utf-8'],
      ['/.well-known/x402', {}, 'application/json'],
      ['/openapi.json', {}, 'application/json'],
    ] as const) {
      const answer = await get(path, init, { ASSETS });
      expect(answer.status, path).toBe(200);
      expect(answer.headers.get('Content-Type')).toBe(type);
      expect(answer.headers.get('Cache-Control')).toBe('public, max-age=5');
      expect(answer.headers.get('Access-Control-Allow-Origin')).toBe('*');
      expect(await answer.text()).toContain('translate');
      const head = await get(path, { ...init, method: 'HEAD' }, { ASSETS });
      expect([head.status, await head.text()]).toEqual([200, '']);
    }
    const page = await get('/', html);
    expect(page.headers.get('Content-Security-Policy')).toMatch(/^default-src 'none'/);
    expect(page.headers.get('Vary')).toBe('Accept');
  });

  it('name the configured origin, never the Host header', async () => {
    for (const path of documents) {
      const context = createExecutionContext();
      const request = new Request(`https://evil.example${path}`, html);
      const answer = await app.fetch(request, { ...env, ASSETS }, context);
      const text = await answer.text();
      expect(text).toContain('gateway.example');
      expect(text).not.toContain('evil.example');
    }
  });

  it('take no other method, and no tool takes their place', async () => {
    const answer = await get('/', { method: 'POST', body: '{}' });
    expect([answer.status, answer.headers.get('Allow')]).toEqual([405, 'GET']);
  });

  it('stay readable while the gateway is paused, and say so', async () => {
    const paused = { PAUSED: 'true', ASSETS };
    expect(await (await get('/', {}, paused)).json()).toMatchObject({ status: 'paused' });
    expect(await (await get('/', html, paused)).text()).toContain('Paused');
    for (const path of documents) expect((await get(path, {}, paused)).status).toBe(200);
  });

  it('name the faults of a gateway that is not configured, without their values', async () => {
    const faulty = { PAY_TO: 'not-json-a-secret' };
    for (const path of documents) {
      const answer = await get(path, {}, faulty);
      expect([answer.status, answer.headers.get('Content-Type')]).toEqual([
        503,
        'application/problem+json',
      ]);
    }
    const page = await get('/', html, faulty);
    expect([page.status, page.headers.get('Content-Type')]).toEqual([
      503,
      'text/html; charset=utf-8',
    ]);
    const text = await page.text();
    expect(text).toContain('<code>PAY_TO</code>');
    expect(text).not.toContain('not-json-a-secret');
  });

  it('cost strangers’ requests no query beyond one a minute', async () => {
    const prepare = vi.fn<D1Database['prepare']>((sql) => env.AUDIT_DB.prepare(sql));
    const batch = vi.fn<D1Database['batch']>((statements) => env.AUDIT_DB.batch(statements));
    // One environment, as in an isolate, whose first request has read the stored jurisdiction.
    const AUDIT_DB = { prepare, batch } as unknown as D1Database;
    const bindings = { ...env, AUDIT_DB, ASSETS };
    const ask = async (path: string, headers: HeadersInit) => {
      const context = createExecutionContext();
      const request = new Request(`https://gateway.example${path}`, { headers });
      const answer = await app.fetch(request, bindings, context);
      await waitOnExecutionContext(context);
      return answer;
    };
    await ask('/healthz', {});
    prepare.mockClear();
    for (let round = 0; round < 40; round += 1) {
      const path = `${documents[round % 4]}?${round}`;
      const headers = { Accept: round % 3 === 0 ? 'text/html' : '*/*', Host: `${round}.example` };
      expect((await ask(path, headers)).status).toBe(200);
    }
    // There is no query if an earlier test read the report less than a minute ago.
    expect(batch.mock.calls.length).toBeLessThanOrEqual(1);
    expect(prepare.mock.calls.length).toBe(2 * batch.mock.calls.length);
  });
});

describe('Agent-Retry-Key in a browser', () => {
  it('may be sent to any path, and is never readable by a page', async () => {
    for (const path of ['/tools/lookup?word=tea', '/credits?amount=5', '/calls/x']) {
      const preflight = await get(path, {
        method: 'OPTIONS',
        headers: {
          Origin: 'https://page.example',
          'Access-Control-Request-Method': 'GET',
          'Access-Control-Request-Headers': 'agent-intent,agent-retry-key',
        },
      });
      expect(preflight.headers.get('Access-Control-Allow-Headers')).toContain('agent-retry-key');
      expect(preflight.headers.get('Access-Control-Allow-Origin')).toBe('*');
      const answer = await get(path, { headers: { 'Agent-Retry-Key': 'x' } });
      for (const { headers } of [preflight, answer]) {
        expect(headers.get('Access-Control-Expose-Headers') ?? '').not.toMatch(/retry-key/i);
        expect(headers.get('Agent-Retry-Key')).toBeNull();
      }
    }
  });

  it('is not logged by the runtime, which logs other request headers', () => {
    const [, logs = ''] = wrangler.split('[observability.logs]\n');
    expect(logs.split('\n[')[0]).toContain('invocation_logs = false');
  });
});
