import { openApi } from '../../dev/openapi/document.ts';
import { ROOT } from '../../dev/root.ts';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { GENESIS } from '../../src/audit/entry.ts';
import { verifyLog } from '../support/verify-log.ts';
import {
  CountersignError,
  createAgent,
  createManagement,
  type Management,
  type ManagementOptions,
} from '../../src/client/index.ts';
import { ROUTE_TABLE, type RouteId } from '../../src/management/routes.ts';
import { fundedAccount, newAccount } from '../conformance/support/payment.ts';
import { lookup, useSharedWorld } from '../conformance/support/world.ts';
import { privateKeyToAccount } from 'viem/accounts';
import { describe, expect, it, test } from 'vitest';
import type * as z from 'zod/mini';

/** Tests the management client against a real gateway. */
const world = useSharedWorld();

const gateway = (): string => world().stack.description.gateway;
const nameOf = (address: string) => `eip155:84532:${address.toLowerCase()}`;
const as = (account: ManagementOptions['account'], more: Partial<ManagementOptions> = {}) =>
  createManagement({ gateway: gateway(), account, ...more });
const operator = (): Management =>
  as(privateKeyToAccount(world().stack.description.operator.privateKey));

const errorOf = async (work: Promise<unknown>): Promise<CountersignError> => {
  const caught: unknown = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (caught instanceof CountersignError) return caught;
  throw new Error('no CountersignError was thrown', { cause: caught });
};

const problemName = ({ problem }: CountersignError): string | undefined =>
  problem?.type?.replace('urn:countersign:problem:', '');

/** Creates an account that has made `calls` calls and has not used the management API. */
const customer = async (calls: number) => {
  const account = await fundedAccount(world(), 1_000_000n);
  const agent = createAgent({ account, spend: { perCall: '$0.10', total: '$1' } });
  for (let at = 0; at < calls; at += 1) {
    const answer = await agent.fetch(gateway() + lookup.path);
    expect(answer.status).toBe(200);
    await answer.text();
  }
  return { account, params: { account: nameOf(account.address) } };
};

/** Repeats the expectations, because rows reach D1 about a second late. */
const eventually = async (what: () => Promise<void>): Promise<void> =>
  await expect
    .poll(async () => await what().then(() => 'done', String), { timeout: 60_000 })
    .toBe('done');

type OpenApi = {
  readonly paths: Readonly<Record<string, object>>;
  readonly components: object;
};

describe('the OpenAPI document', () => {
  it('is served with the tools that are sold, to any origin', async () => {
    const answer = await fetch(`${gateway()}/openapi.json`);
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toMatch(/^application\/json/);
    expect(answer.headers.get('access-control-allow-origin')).toBe('*');
    expect(answer.headers.get('cache-control')).toBe('public, max-age=5');
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
      readonly version: string;
    };
    const { paths, components, ...rest } = (await answer.json()) as OpenApi;
    const generated = JSON.parse(JSON.stringify(openApi(version))) as OpenApi;
    expect(paths).toMatchObject(generated.paths);
    expect(components).toMatchObject(generated.components);
    expect(rest).toMatchObject({ openapi: '3.1.0', info: { version } });
    expect(paths['/tools/lookup']).toMatchObject({
      get: { 'x-payment-info': { price: { amount: '0.001000' } } },
    });
  });

  it('leaves no static file to be served beside the Worker', async () => {
    for (const path of ['/_headers', '/openapi.json/', '/openapi', '/index.html']) {
      const answer = await fetch(gateway() + path, { redirect: 'manual' });
      expect(answer.status, path).toBe(404);
      expect(answer.headers.get('content-type'), path).toBe('application/problem+json');
    }
  });
});

describe('an operator', () => {
  it('labels an account, and one of two concurrent changes is rejected', async () => {
    const params = { account: nameOf(newAccount().address) };
    const made = await operator().call('accounts.put', { params, body: { label: 'first' } });
    expect(made.body).toMatchObject({ changed: true });
    const unseen = await errorOf(operator().call('accounts.put', { params, body: { label: 'b' } }));
    expect([unseen.code, problemName(unseen)]).toEqual(['refused', 'precondition-required']);
    const { body } = await operator().call('account.get', { params });
    expect(body).toMatchObject({ label: 'first', status: 'active' });
    const ifMatch = body.etags.label ?? '';
    const both = await Promise.allSettled(
      ['one', 'two'].map(async (label) =>
        operator().call('accounts.put', { params, body: { label }, ifMatch }),
      ),
    );
    expect(both.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
  });

  it('creates a policy, tries another one, and deletes it', async () => {
    const { params } = await customer(1);
    const body = { perCall: '$0.01' };
    const { etag } = await operator().call('accounts.policy.put', { params, body });
    expect(etag).toMatch(/^"0x[0-9a-f]{64}"$/);
    const got = await operator().call('accounts.policy.get', { params });
    expect(got).toMatchObject({ etag, body: { perCall: '$0.01' } });
    const tried = await operator().call('accounts.policy.put', {
      params,
      body: { tools: [] },
      ifMatch: '*',
      dryRun: true,
    });
    expect(tried.body).toMatchObject({ dry_run: true, in_flight: { held: 0, cut_off: 0 } });
    expect((await operator().call('accounts.policy.get', { params })).etag).toBe(etag);
    await operator().call('accounts.policy.delete', { params, ...(etag && { ifMatch: etag }) });
    const gone = await errorOf(operator().call('accounts.policy.get', { params }));
    expect(problemName(gone)).toBe('unknown-document');
  });

  it('gets every fault of a document', async () => {
    const { params } = await customer(1);
    const error = await errorOf(
      operator().call('accounts.policy.put', {
        params,
        body: { perCall: 'much', rate: { limit: 0, seconds: 1 } },
      }),
    );
    expect(problemName(error)).toBe('malformed-document');
    expect(error.problem?.['faults']).toMatchObject([
      { field: 'body.perCall' },
      { field: 'body.rate.limit' },
    ]);
  });

  it('adds a tool, which is then sold, and removes it', async () => {
    const tool = {
      id: 'again',
      method: 'GET',
      path: '/tools/again',
      description: 'Looks up a word, again.',
      price: '$0.001',
      settlement: 'deferred' as const,
      upstream: '/lookup',
    };
    const params = { tool: tool.id };
    const put = await operator().call('tools.put', { params, body: tool, ifNoneMatch: '*' });
    await expect
      .poll(async () => (await fetch(`${gateway()}/tools/again?word=river`)).status, {
        timeout: 60_000,
      })
      .toBe(402);
    const ids: string[] = [];
    for await (const { id } of operator().list('tools.list', { query: { limit: 3 } })) ids.push(id);
    expect(ids).toContain('again');
    expect(ids).toEqual(ids.toSorted());
    await operator().call('tools.delete', { params, ifMatch: put.etag ?? '' });
    await expect
      .poll(async () => (await fetch(`${gateway()}/tools/again?word=river`)).status, {
        timeout: 60_000,
      })
      .toBe(404);
  });

  it('is forbidden with the key of another account', async () => {
    for (const id of ['accounts.list', 'tools.list', 'queues', 'webhooks.list'] as const) {
      const error = await errorOf(as(newAccount()).call(id));
      expect([id, problemName(error)]).toEqual([id, 'forbidden']);
    }
  });
});

describe('an account without a parent', () => {
  it('sets its own policy, and follows its events as they happen', async () => {
    const { account, params } = await customer(1);
    const own = as(account);
    const stop = new AbortController();
    const types: string[] = [];
    const following = (async () => {
      for await (const { type } of own.events(params.account, { after: 0, signal: stop.signal })) {
        types.push(type);
      }
    })();
    await own.call('account.policy.put', { params, body: { perCall: '$0.0001' } });
    const agent = createAgent({ account, spend: { perCall: '$0.10', total: '$1' } });
    expect(
      (
        await agent
          .fetch(gateway() + lookup.path)
          .catch((error: unknown) => (error as CountersignError).response)
      )?.status,
    ).toBe(403);
    await expect.poll(() => types, { timeout: 60_000 }).toContain('call.denied');
    expect(types).toContain('account.policy');
    expect(types).toContain('call.accepted');
    stop.abort(new Error('enough'));
    await expect(following).rejects.toThrow('enough');
  });

  it('reads its calls page by page and exports a log that verifies', async () => {
    const { account, params } = await customer(3);
    const own = as(account);
    await eventually(async () => {
      const calls: string[] = [];
      for await (const { call } of own.list('account.calls', { params, query: { limit: 2 } })) {
        calls.push(call);
      }
      expect(new Set(calls).size).toBe(3);
      expect(calls).toHaveLength(3);
    });
    let log = '';
    for await (const text of own.export('account.entries', { params, query: { limit: 2 } })) {
      log += text;
    }
    const checked = verifyLog(log, { after: GENESIS });
    expect(checked).toMatchObject({ ok: true, value: { account: params.account, first: 1 } });
    expect(checked.ok ? checked.value.last : 0).toBeGreaterThan(5);
    let csv = '';
    for await (const text of own.export('account.calls', {
      params,
      query: { limit: 2, format: 'csv' },
    })) {
      csv += text;
    }
    expect(csv.split('\r\n').filter((line) => line !== '')).toHaveLength(4);
    const spent: unknown[] = [];
    await eventually(async () => {
      spent.length = 0;
      for await (const row of own.list('account.spend', { params, query: { by: 'tool' } })) {
        spent.push(row);
      }
      expect(spent).toMatchObject([{ key: 'lookup', calls: 3, charged: '3000' }]);
    });
  });

  it('looks to strangers like an account that does not exist', async () => {
    const { params } = await customer(1);
    const nowhere = { account: nameOf(newAccount().address) };
    const stranger = as(newAccount());
    const answers = await Promise.all(
      [params, nowhere].map(async (each) =>
        errorOf(stranger.call('account.get', { params: each })).then(({ problem }) => problem),
      ),
    );
    expect(answers[0]).toEqual(answers[1]);
    expect(answers[0]).toMatchObject({ status: 404 });
  });
});

test('every answer fits its schema', async () => {
  const { params } = await customer(2);
  const [of, one] = [operator(), operator()];
  await eventually(async () => {
    expect((await of.call('account.calls', { params })).body.items).toHaveLength(2);
  });
  const [item] = (await of.call('account.calls', { params })).body.items;
  const call = { params: { ...params, call: item?.call ?? '' } };
  const webhook = { params: { webhook: 'schemas' } };
  const body = { url: 'https://hooks.example/x', events: ['*' as const] };
  const expectFits = (id: RouteId, { body: got }: { readonly body: unknown }): void => {
    const parsed = (ROUTE_TABLE[id].answer as z.ZodMiniType).safeParse(got);
    expect(parsed.error?.issues, id).toBeUndefined();
  };
  const spend = { query: { by: 'payee' as const } };
  expectFits('accounts.list', await of.call('accounts.list'));
  expectFits('tools.list', await of.call('tools.list'));
  expectFits('settlements.list', await of.call('settlements.list'));
  expectFits('settlements.get', await of.call('settlements.get', call));
  expectFits('deadletters.list', await of.call('deadletters.list'));
  expectFits('spend', await of.call('spend', spend));
  expectFits('calls.list', await of.call('calls.list'));
  expectFits('queues', await of.call('queues'));
  expectFits('webhooks.put', await of.call('webhooks.put', { ...webhook, body }));
  await eventually(async () => {
    expectFits('webhooks.get', await of.call('webhooks.get', webhook));
  });
  expectFits('webhooks.list', await of.call('webhooks.list'));
  expectFits('webhooks.deliveries', await of.call('webhooks.deliveries', webhook));
  expectFits('webhooks.delete', await of.call('webhooks.delete', { ...webhook, ifMatch: '*' }));
  expectFits('account.get', await one.call('account.get', { params }));
  expectFits('account.tree', await one.call('account.tree', { params }));
  expectFits('account.spend', await one.call('account.spend', { params, ...spend }));
  expectFits('account.calls', await one.call('account.calls', { params }));
  expectFits('account.call', await one.call('account.call', call));
  expectFits('account.entries', await one.call('account.entries', { params }));
  expectFits('account.webhooks.list', await one.call('account.webhooks.list', { params }));
  expectFits(
    'accounts.status',
    await one.call('accounts.status', { params, body: { status: 'paused' } }),
  );
  const credit = {
    asset: 'eip155:84532/erc20:0x036cbd53842c5426634e7929541ec2318f3dcf7e',
    amount: '1000',
    reason: 'A present',
  };
  expectFits('credits.adjust', await one.call('credits.adjust', { params, body: credit }));
});

test('the Worker imports no schema of an answer', () => {
  const files = globSync('{src,durable-objects}/**/*.ts', { cwd: ROOT });
  const carriers = files.filter(
    (file) =>
      !file.includes('management/answer/') &&
      /^import (?!type\b)[^;]*management\/answer\//m.test(readFileSync(join(ROOT, file), 'utf8')),
  );
  expect(files.length).toBeGreaterThan(100);
  expect(carriers).toEqual([]);
});
