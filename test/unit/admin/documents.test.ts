import { env } from 'cloudflare:workers';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { manage } from '../../../src/admin/router.ts';
import { openCatalogue } from '../../../src/catalog/live.ts';
import { toolHash } from '../../../src/catalog/stored-tool.ts';
import { type Config, gatewayAccount } from '../../../src/config.ts';
import { webhookHash } from '../../../src/webhooks/document.ts';
import { putWebhook } from '../../../src/webhooks/registry.ts';
import { db, freshDatabase } from '../audit/database.ts';
import { governed, KEY_ACCOUNT, network } from '../gateway/scripted.ts';
import { addressOf, NOW, vectorConfig } from '../gateway/signing.ts';
import { type Said, scriptedOffice, signedRequest } from './office.ts';

const config: Config = { ...vectorConfig([]), operators: [addressOf('owner')] };
const self = gatewayAccount(config);

const document = {
  ...{ id: 'hello', method: 'GET', path: '/tools/hello', description: 'Says hello.' },
  ...{ price: '$0.002', settlement: 'deferred', upstream: 'https://api.example/hello' },
};
const hash = toolHash(document);

beforeEach(async () => {
  await freshDatabase();
  vi.useFakeTimers({ now: NOW * 1000, toFake: ['Date'] });
  network(KEY_ACCOUNT);
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

type Govern = NonNullable<NonNullable<Parameters<typeof scriptedOffice>[1]>['govern']>;

/** What an account says that has put something: where its entry stands. */
const putAs =
  (seq: number, current = hash): Govern =>
  async () =>
    governed({ current, entry: { seq, at: NOW } });

const openOffice = async (govern: Govern, broken = false) => {
  const { office, asked } = await scriptedOffice(config, { govern });
  const start = { tools: [], documents: [], upstreamUrl: undefined, reach: 'public' } as const;
  const catalogue = openCatalogue(env.AUDIT_DB, start);
  const failing = {
    ...office.db,
    prepare: () => {
      throw new Error('database of 10.1.2.3 is away');
    },
  } as unknown as D1Database;
  return { office: { ...office, catalogue, db: broken ? failing : office.db }, asked };
};

describe('a tool', () => {
  const put = (said: Said = {}) =>
    signedRequest(config, 'tools.put', '/admin/tools/hello', { body: document, ...said });
  const get = () => signedRequest(config, 'tools.get', '/admin/tools/hello');

  it('is kept by the gateway’s own account, then stands in the table', async () => {
    const { office, asked } = await openOffice(putAs(3));
    const headers = { 'If-None-Match': '*' };
    const answer = await manage(office, await put({ headers }));
    expect([answer.status, answer.headers.get('ETag')]).toEqual([200, `"${hash}"`]);
    expect(asked).toMatchObject([
      {
        of: self,
        order: { kind: 'document', type: 'tool', name: 'hello', document, expected: 'none' },
      },
    ]);
    const read = await manage(office, await get());
    expect([read.headers.get('ETag'), await read.json()]).toEqual([`"${hash}"`, document]);
    const row = await db.prepare('SELECT account, seq FROM tools').first();
    expect(row).toEqual({ account: self, seq: 3 });
    // What the account was never told of, it is told the hash of.
    await manage(office, await put());
    expect(asked[1]).toMatchObject({ order: { known: hash } });
  });

  it('that the table does not take is 503, and may be put again', async () => {
    const broken = await openOffice(putAs(3), true);
    const answer = await manage(broken.office, await put());
    expect(answer.status).toBe(503);
    expect(await answer.text()).not.toContain('10.1.2.3');
    // Put again, nothing has changed for the account: until its entry has reached the table, that is not done.
    const again = await openOffice(async () => governed({ changed: false, current: hash }));
    expect((await manage(again.office, await put())).status).toBe(503);
    const written = await openOffice(putAs(4));
    expect((await manage(written.office, await put())).status).toBe(200);
    const known = await openOffice(async () => governed({ changed: false, current: hash }));
    expect((await manage(known.office, await put())).status).toBe(200);
  });

  it('that nobody has is not taken away', async () => {
    const { office, asked } = await openOffice(putAs(3));
    const request = await signedRequest(config, 'tools.delete', '/admin/tools/hello');
    expect((await manage(office, request)).status).toBe(404);
    expect(asked).toEqual([]);
  });

  it('is listed page by page', async () => {
    const { office } = await openOffice(putAs(1));
    const ids = ['a.b', 'a_b', 'hello', 'z'];
    for (const [at, id] of ids.entries()) {
      const body = { ...document, id, path: `/tools/${id}` };
      const { office: one } = await openOffice(putAs(at + 1, toolHash(body)));
      const request = await signedRequest(config, 'tools.put', `/admin/tools/${id}`, { body });
      expect((await manage(one, request)).status).toBe(200);
    }
    const found: string[] = [];
    for (let path: string | undefined = '/admin/tools?limit=1'; path !== undefined;) {
      const answer = await manage(office, await signedRequest(config, 'tools.list', path));
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

  it('that was switched off is entered anew, and used again', async () => {
    const at = { scope: '*', id: 'ops', holder: self, at: NOW } as const;
    await putWebhook(db, { ...at, document: hook, seq: 1 });
    await db.prepare("UPDATE webhooks SET state = 'disabled', reason = 'gone'").run();
    const { office, asked } = await openOffice(putAs(2, webhookHash(hook)));
    expect((await manage(office, await put())).status).toBe(200);
    expect(asked).toMatchObject([{ of: self, order: { name: '*/ops', anew: true } }]);
    const read = await signedRequest(config, 'webhooks.get', '/admin/webhooks/ops');
    expect(await (await manage(office, read)).json()).toMatchObject({
      ...{ id: 'ops', state: 'active', failures: 0, etag: webhookHash(hook), ...hook },
    });
  });

  it('beyond what a scope may have is refused before anybody is told', async () => {
    for (let at = 0; at < 20; at += 1) {
      const named = { scope: '*', id: `w${at}`, holder: self, at: NOW } as const;
      await putWebhook(db, { ...named, document: hook, seq: at + 1 });
    }
    const { office, asked } = await openOffice(putAs(30));
    expect((await manage(office, await put())).status).toBe(409);
    expect(asked).toEqual([]);
  });

  it('is tried once for each intent', async () => {
    const at = { scope: '*', id: 'ops', holder: self, at: NOW } as const;
    await putWebhook(db, { ...at, document: hook, seq: 1 });
    const { sent } = network(KEY_ACCOUNT, () => new Response(null, { status: 204 }));
    const used = { verdict: 'refused', fault: { reason: 'already_used' } } as const;
    const { office } = await openOffice(async () => used);
    const test = await signedRequest(config, 'webhooks.test', '/admin/webhooks/ops/test');
    expect((await manage(office, test.clone())).status).toBe(409);
    expect(sent).toEqual([]);
    const unchanged = governed({ changed: false, current: webhookHash(hook) });
    const { office: open } = await openOffice(async () => unchanged);
    expect(await (await manage(open, test)).json()).toMatchObject({ outcome: 'delivered' });
    expect(sent).toHaveLength(1);
  });
});
