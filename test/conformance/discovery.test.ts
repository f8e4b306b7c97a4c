import { decodePaymentRequiredHeader } from '@x402/core/http';
import { type LocalAccount, privateKeyToAccount } from 'viem/accounts';
import { beforeAll, describe, expect, it } from 'vitest';
import { people } from '../../dev/stack/people.ts';
import { listAll, manage, okJson } from './support/manage.ts';
import { newer } from './support/official.ts';
import { readOffer } from './support/offer.ts';
import { trustedAccount } from './support/payment.ts';
import { lookup, useWorld } from './support/world.ts';

const world = useWorld();
const operator = privateKeyToAccount(people.operator.privateKey);

const get = async (path: string, accept = '*/*') =>
  await world().send({ path }, { Accept: accept });

type Listed = {
  readonly id: string;
  readonly url: string;
  readonly price: string;
  readonly amount: string;
  readonly accepts: readonly unknown[];
  readonly health: { readonly state: string; readonly last_success: string | null };
};

const listing = async () =>
  await (await get('/')).json<{ status: string; health_at: string | null; tools: Listed[] }>();

const listed = async (id: string): Promise<Listed | undefined> =>
  (await listing()).tools.find((tool) => tool.id === id);

describe('what anyone may read about the tools', () => {
  let account: LocalAccount;
  let began: number;
  let called: number;
  beforeAll(async () => {
    account = await trustedAccount(world(), { reports: 4, balance: 1_000_000n });
    began = Date.now();
    const fetchPaid = newer(account);
    const { gateway } = world().stack.description;
    for (const path of [lookup.path, '/tools/flaky?status=200', '/tools/flaky?status=404'])
      await fetchPaid(gateway + path);
    for (let round = 0; round < 3; round += 1) await fetchPaid(`${gateway}/tools/flaky?status=503`);
    called = Date.now();
  });

  it('has the health and last success of each tool', async () => {
    // Rows reach D1 through the audit queue. No request has read the health of the tools before, so no cached answer exists.
    const ended = async () =>
      (await listAll(world(), operator, 'calls.list', { query: { limit: 50 } })).filter(
        ({ tool, state }) => tool === 'flaky' && state !== 'held',
      ).length;
    await expect.poll(ended, { timeout: 30_000, interval: 300 }).toBe(5);
    const { status, health_at, tools } = await listing();
    expect(status).toBe('ok');
    const healths = new Map(tools.map(({ id, health }) => [id, health]));
    expect(healths.get('lookup')?.state).toBe('working');
    const success = Date.parse(healths.get('lookup')?.last_success ?? '');
    expect(success).toBeGreaterThan(began - 1_000);
    expect(success).toBeLessThanOrEqual(called);
    expect(healths.get('flaky')?.state).toBe('failing');
    expect(healths.get('translate')).toEqual({
      state: 'unknown',
      last_success: null,
      last_failure: null,
    });
    expect(Date.parse(health_at ?? '')).toBeGreaterThan(called - 1_000);
    const page = await (await get('/', 'text/html')).text();
    expect(page).toMatch(
      /Working, last success <time datetime="[^"]+">(?:less than a|\d+) minutes? ago</,
    );
    expect(page).toContain('Failing');
  });

  it('shows for each tool the terms of its 402', async () => {
    const { tools } = await listing();
    const x402 = await (
      await get('/.well-known/x402')
    ).json<{
      readonly resources: readonly string[];
      readonly items: readonly {
        readonly method: string;
        readonly resource: string;
        readonly accepts: readonly unknown[];
      }[];
    }>();
    expect(x402.items.length).toBeGreaterThan(5);
    for (const { method, resource, accepts } of x402.items) {
      const answer = await world().send({
        path: new URL(resource).pathname,
        method: method === '*' ? 'GET' : method,
      });
      expect([answer.status, readOffer(answer).accepts], resource).toEqual([402, accepts]);
      expect(tools.find(({ url }) => url === resource)?.accepts).toEqual(accepts);
    }
  });

  it('shows a new price on every surface, and an official client pays it', async () => {
    const id = 'notarise';
    const read = await manage(world(), operator, 'tools.get', { params: { tool: 'lookup' } });
    const document = await read.json<Record<string, unknown>>();
    const body = { ...document, id, path: '/tools/fresh', price: '$0.007', bazaar: true };
    await okJson(
      manage(world(), operator, 'tools.put', {
        params: { tool: id },
        body,
        headers: { 'If-Match': '*' },
      }),
    );
    await expect
      .poll(async () => await listed(id), { timeout: 30_000, interval: 250 })
      .toMatchObject({ price: '$0.007', amount: '7000' });
    expect(await (await get('/', 'text/html')).text()).toContain('0.007');
    expect(await (await get('/llms.txt')).text()).toMatch(
      /notarise\]\([^)]*\): GET, \$0\.007 a call/,
    );
    const openapi = await (await get('/openapi.json')).json<{ paths: Record<string, unknown> }>();
    expect(openapi.paths['/tools/fresh']).toMatchObject({
      get: { 'x-payment-info': { price: { mode: 'fixed', currency: 'USD', amount: '0.007000' } } },
    });
    const path = '/tools/fresh?word=river';
    const header = (await get(path)).headers.get('PAYMENT-REQUIRED') ?? '';
    expect(header.length).toBeLessThan(4_096);
    expect(decodePaymentRequiredHeader(header).extensions).toMatchObject({
      bazaar: { info: { input: { type: 'http', method: 'GET' } } },
    });
    // The client echoes the extensions of the offer.
    const paid = await newer(account)(world().stack.description.gateway + path);
    expect(paid.status).toBe(200);
    expect(await paid.text()).toContain('stream of water');
  });

  it('is at / for the gateway alone, beside a tool for every other path', async () => {
    const params = { tool: 'all' };
    const tool = { id: 'all', method: '*', path: '/*', description: 'All.', price: '$0.001' };
    await okJson(
      manage(world(), operator, 'tools.put', {
        params,
        body: { ...tool, settlement: 'deferred', upstream: '/echo' },
      }),
    );
    const status = async (path: string, method: string) =>
      (await world().send({ path, method })).status;
    await expect.poll(async () => await status('/anything', 'POST'), { timeout: 30_000 }).toBe(402);
    expect(await status('/', 'GET')).toBe(200);
    expect(await status('/', 'POST')).toBe(405);
    expect(await status('/llms.txt', 'GET')).toBe(200);
  });
});
