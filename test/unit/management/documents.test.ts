import { openCatalogue } from '../../../src/catalog/live-catalogue.ts';
import { BUILT_IN_POLICY } from '../../../src/policy/policy.ts';
import { findTool } from '../../../src/catalog/route.ts';
import { toolHash } from '../../../src/catalog/stored-tool.ts';
import { type Config, gatewayAccount } from '../../../src/config/config.ts';
import { manage } from '../../../src/management/router.ts';
import { webhookHash } from '../../../src/webhooks/document.ts';
import { putWebhook } from '../../../src/webhooks/registry.ts';
import { db, freshDatabase } from '../audit/database.ts';
import { watchedTools } from '../catalog/watched.ts';
import { governed, KEY_ACCOUNT, network } from '../gateway/scripted.ts';
import { addressOf, NOW, vectorConfig } from '../gateway/signing.ts';
import { type RequestParts, scriptedContext, signedRequest } from './scripted-context.ts';
import { afterEach, beforeEach, describe, expect, inject, it, vi } from 'vitest';
import { useVectorsClock } from '../../support/vectors-clock.ts';

const config: Config = {
  ...vectorConfig([]),
  operators: [addressOf('owner')],
  receiptKey: inject('receiptKey'),
};
const self = gatewayAccount(config);

const document = {
  ...{ id: 'hello', method: 'GET', path: '/tools/hello', description: 'Says hello.' },
  ...{ price: '$0.002', settlement: 'deferred', upstream: 'https://api.example/hello' },
};
const hash = toolHash(document);

useVectorsClock();
beforeEach(async () => {
  await freshDatabase();
  network(KEY_ACCOUNT);
});
afterEach(() => {
  vi.restoreAllMocks();
});

type Govern = NonNullable<NonNullable<Parameters<typeof scriptedContext>[1]>['apply']>;

/** The answer of an account that wrote a document, with the position of its entry. */
const putAs =
  (seq: number, current = hash): Govern =>
  async () =>
    governed({ current, entry: { seq, at: NOW } });

const openContext = async (apply: Govern, tools = watchedTools()) => {
  const { context, asked } = await scriptedContext(config, { apply });
  const catalogue = openCatalogue({
    policy: BUILT_IN_POLICY,
    writeTexts: async () => true,
    read: tools.read,
    raise: async () => true,
    deployed: { tools: [], documents: [], upstreamUrl: undefined, reach: 'public', services: [] },
  });
  return { context: { ...context, catalogue }, asked };
};

describe('a tool', () => {
  const put = (said: RequestParts = {}) =>
    signedRequest(config, 'tools.put', '/admin/tools/hello', { body: document, ...said });
  const get = () => signedRequest(config, 'tools.get', '/admin/tools/hello');

  it('is kept by the gateway’s own account, and served by this isolate at once', async () => {
    const tools = watchedTools();
    const { context, asked } = await openContext(async (order) => {
      tools.put(document);
      return putAs(3)(order);
    }, tools);
    const headers = { 'If-None-Match': '*' };
    const answer = await manage(context, await put({ headers }));
    expect([answer.status, answer.headers.get('ETag')]).toEqual([200, `"${hash}"`]);
    expect(asked).toMatchObject([
      {
        of: self,
        order: { kind: 'document', type: 'tool', name: 'hello', document, expected: 'none' },
      },
    ]);
    const sold = await context.catalogue.current(NOW, () => undefined);
    expect(findTool(sold.routes, 'GET', '/tools/hello')).toMatchObject({ tool: { price: 2_000n } });
    const read = await manage(context, await get());
    expect([read.headers.get('ETag'), await read.json()]).toEqual([`"${hash}"`, document]);
    // The account has never stored a tool of tools.json, so the gateway sends the hash of its own version.
    await manage(context, await put());
    expect(asked[1]).toMatchObject({ order: { known: hash } });
  });

  it('with a schema is logged with the schema as text, and served as written', async () => {
    const tools = watchedTools();
    const { context, asked } = await openContext(async (order) => {
      if (order.kind === 'document') tools.put(order.document as typeof document);
      return putAs(3)(order);
    }, tools);
    let nested: object = { type: 'number', minimum: 0.5 };
    for (let level = 0; level < 15; level += 1) nested = { properties: { inner: nested } };
    const body = { ...document, inputSchema: { ...nested, type: 'object' } };
    const headers = { 'If-None-Match': '*' };
    expect((await manage(context, await put({ headers, body }))).status).toBe(200);
    expect(asked).toMatchObject([
      {
        order: {
          document: { ...document, inputSchema: expect.stringMatching(/^{"properties".*0\.5/) },
        },
      },
    ]);
    const read = await manage(context, await get());
    expect([read.headers.get('ETag'), await read.json()]).toEqual([`"${toolHash(body)}"`, body]);
    const sold = await context.catalogue.current(NOW, () => undefined);
    expect(sold.tools.get('hello')?.tool?.inputSchema).toEqual(body.inputSchema);
  });

  it('with a schema that the gateway cannot resolve is refused', async () => {
    const { context, asked } = await openContext(putAs(3));
    const inputSchema = { type: 'object', properties: { a: { $ref: 'https://x.example/s' } } };
    const answer = await manage(context, await put({ body: { ...document, inputSchema } }));
    expect([answer.status, await answer.json()]).toMatchObject([
      400,
      { faults: [{ field: 'body.inputSchema.properties.a.$ref' }] },
    ]);
    expect(asked).toEqual([]);
  });

  it('with a meter that the gateway cannot read is refused, and names the field', async () => {
    const { context, asked } = await openContext(putAs(3));
    const metered = (rate: string) => ({
      ...{ ...document, settlement: 'credit' },
      price: {
        max: '$0.05',
        meter: { usage: 'openai', rates: { input_tokens: rate }, missing: 'max' },
      },
    });
    const faultOf = async (rate: string) => {
      const answer = await manage(context, await put({ body: metered(rate) }));
      const { faults } = await answer.json<{
        readonly faults: readonly { readonly field: string }[];
      }>();
      return [answer.status, faults.map(({ field }) => field)];
    };
    expect(await faultOf('cheap')).toEqual([400, ['body.price.meter.rates.input_tokens']]);
    expect(asked).toEqual([]);
  });

  it('that refuses `exact` payments is refused by a gateway that can settle no other', async () => {
    const { context, asked } = await openContext(putAs(3));
    const meter = { usage: 'counted', rates: { bytes: '$1 per 1000' } };
    const price = { max: '$0.05', exact: false, meter };
    const body = { ...document, settlement: 'deferred', price };
    const answer = await manage(context, await put({ body }));
    expect([answer.status, await answer.json()]).toMatchObject([
      400,
      { faults: [{ field: 'body.price.exact' }] },
    ]);
    expect(asked).toEqual([]);
  });

  it('answers 503 if the account does not record it', async () => {
    const { context } = await openContext(async () => ({ verdict: 'unavailable' }));
    expect((await manage(context, await put())).status).toBe(503);
  });

  it('is not changed if the catalogue cannot be read', async () => {
    const tools = watchedTools();
    tools.breakDown();
    vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const { context, asked } = await openContext(putAs(3), tools);
    expect((await manage(context, await put())).status).toBe(503);
    expect(asked).toEqual([]);
  });

  it('answers 404 for removing an unknown tool', async () => {
    const { context, asked } = await openContext(putAs(3));
    const request = await signedRequest(config, 'tools.delete', '/admin/tools/hello');
    expect((await manage(context, request)).status).toBe(404);
    expect(asked).toEqual([]);
  });

  it('lists tools page by page', async () => {
    const tools = watchedTools();
    const { context } = await openContext(putAs(1), tools);
    const ids = ['a.b', 'a_b', 'hello', 'z'];
    for (const id of ids) tools.put({ ...document, id, path: `/tools/${id}` });
    const found: string[] = [];
    for (let path: string | undefined = '/admin/tools?limit=1'; path !== undefined;) {
      const answer = await manage(context, await signedRequest(config, 'tools.list', path));
      const page = await answer.json<{ items: { id: string }[]; next?: string }>();
      found.push(...page.items.map(({ id }) => id));
      path = page.next === undefined ? undefined : `/admin/tools?limit=1&after=${page.next}`;
    }
    expect(found).toEqual(ids);
  });
});

describe('a webhook', () => {
  const hook = { url: 'https://alerts.example/in', events: ['*' as const] };
  const put = () => signedRequest(config, 'webhooks.put', '/admin/webhooks/ops', { body: hook });

  it('enables a disabled webhook again', async () => {
    const at = { scope: '*', id: 'ops', holder: self, at: NOW } as const;
    await putWebhook(db, { ...at, document: hook, seq: 1 });
    await db.prepare("UPDATE webhooks SET state = 'disabled', reason = 'gone'").run();
    const { context, asked } = await openContext(putAs(2, webhookHash(hook)));
    expect((await manage(context, await put())).status).toBe(200);
    expect(asked).toMatchObject([{ of: self, order: { name: '*/ops', anew: true } }]);
    const read = await signedRequest(config, 'webhooks.get', '/admin/webhooks/ops');
    expect(await (await manage(context, read)).json()).toMatchObject({
      ...{ id: 'ops', state: 'active', failures: 0, etag: webhookHash(hook), ...hook },
    });
  });

  it('rejects a webhook beyond the limit of its scope before any account is called', async () => {
    for (let at = 0; at < 20; at += 1) {
      const named = { scope: '*', id: `w${at}`, holder: self, at: NOW } as const;
      await putWebhook(db, { ...named, document: hook, seq: at + 1 });
    }
    const { context, asked } = await openContext(putAs(30));
    expect((await manage(context, await put())).status).toBe(409);
    expect(asked).toEqual([]);
  });

  it('sends one test alert per intent', async () => {
    const at = { scope: '*', id: 'ops', holder: self, at: NOW } as const;
    await putWebhook(db, { ...at, document: hook, seq: 1 });
    const { sent } = network(KEY_ACCOUNT, () => new Response(null, { status: 204 }));
    const used = { verdict: 'refused', fault: { reason: 'already_used' } } as const;
    const { context } = await openContext(async () => used);
    const test = await signedRequest(config, 'webhooks.test', '/admin/webhooks/ops/test');
    expect((await manage(context, test.clone())).status).toBe(409);
    expect(sent).toEqual([]);
    const unchanged = governed({ changed: false, current: webhookHash(hook) });
    const { context: open } = await openContext(async () => unchanged);
    expect(await (await manage(open, test)).json()).toMatchObject({ outcome: 'delivered' });
    expect(sent).toHaveLength(1);
  });

  it('keeps and shows no secret of a Slack webhook', async () => {
    const secret = 'https://hooks.slack.com/services/T0/B0/hunter2';
    const body = { url: secret, events: ['*' as const], format: 'slack' as const };
    const { context, asked } = await openContext(putAs(2));
    const request = await signedRequest(config, 'webhooks.put', '/admin/webhooks/chat', { body });
    const answer = await manage(context, request);
    expect(answer.status, await answer.clone().text()).toBe(200);
    const sent = { ...asked[0] };
    expect(sent).toMatchObject({
      order: { document: { url: 'https://hooks.slack.com/', format: 'slack' } },
    });
    const list = await signedRequest(config, 'webhooks.list', '/admin/webhooks');
    const shown = await (await manage(context, list)).text();
    expect(JSON.parse(shown)).toMatchObject({ items: [{ id: 'chat', format: 'slack' }] });
    const stored = await db.prepare('SELECT document FROM webhooks').all();
    expect(JSON.stringify([asked, shown, stored.results])).not.toContain('hunter2');
    expect(shown).not.toContain('sealed');
  });
});
