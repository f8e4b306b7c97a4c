import { randomBytes } from 'node:crypto';
import type { LocalAccount } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { people } from '../../dev/stack/people.ts';
import { plantedSettings } from '../support/planted-settings.ts';
import { mustSearch, plantKey, plantText, scanState, tracesIn } from '../support/secret-scan.ts';
import { bind, bound } from './support/bound.ts';
import { accountOf } from './support/credit.ts';
import { type Credentials, LEAKS, useEchoUpstream } from './support/echo-upstream.ts';
import { expectProblem } from './support/expect-answer.ts';
import { type CommandAnswer, manage, okJson } from './support/manage.ts';
import { callRaw, payBound } from './support/mcp.ts';
import { retryKey, sentRetrySecrets } from './support/intent.ts';
import { kindOf } from './support/offer.ts';
import { trustedAccount } from './support/payment.ts';
import { type ToolCall, useWorld } from './support/world.ts';

const world = useWorld({
  variables: {
    OPERATORS: people.operator.address,
    VAULT_KEY: randomBytes(32).toString('base64'),
  },
});
const operator = privateKeyToAccount(people.operator.privateKey);

const credentials: Credentials = {
  apiKey: `ak-${randomBytes(24).toString('base64')}`,
  user: 'operator',
  password: `p<&"' ${randomBytes(12).toString('hex')}`,
  queryKey: `q/${randomBytes(15).toString('base64url')}+=`,
  signingKey: randomBytes(32).toString('hex'),
  zoneKey: `zk-${randomBytes(18).toString('base64url')}`,
};
const planted = Object.entries(credentials).flatMap(([name, text]) =>
  name === 'user' ? [] : [plantText(name, text)],
);
const upstream = useEchoUpstream(credentials);

/** The retry secrets that earlier files sent: files of one process share the module that records them. */
const sentBefore = sentRetrySecrets().length;

/** Values of secrets that the tests delete again. */
const spares: string[] = [];

const found = (shown: Uint8Array | string) => tracesIn(planted, shown);

const blind = () => randomBytes(32).toString('base64url');
const put = (name: string, body: object, headers: Readonly<Record<string, string>> = {}) =>
  manage(world(), operator, 'secrets.put', {
    ...{
      params: { secret: name },
      body: { host: upstream.host(), blind: blind(), ...body },
      headers,
    },
  });

const tool = (id: string, path: string, to: string, more: object = {}) => ({
  ...{ id, method: '*', path, description: 'Needs credentials.', price: '$0.001' },
  ...{ settlement: 'deferred', upstream: to, ...more },
});
const SECRETS = [
  { in: 'header', secret: 'api', name: 'x-api-key' },
  { in: 'basic', secret: 'login' },
  { in: 'header', secret: 'zone' },
  { in: 'query', secret: 'pair', field: 'query', name: 'key' },
  {
    ...{ in: 'hmac', secret: 'signing', name: 'x-signature', prefix: 'sha256=' },
    over: ['method', 'target', 'body'],
  },
];
const putTool = (document: ReturnType<typeof tool>) =>
  manage(world(), operator, 'tools.put', { params: { tool: document.id }, body: document });

let payer: LocalAccount;
const call = (leak: string, of: string, more = ''): ToolCall => ({
  path: `/tools/vaulted/${leak}?of=${of}${more}`,
});
const send = async (of: ToolCall, headers: Readonly<Record<string, string>> = {}) =>
  await world().send(of, { ...bound(await bind(world(), payer, of)), ...headers });

beforeAll(async () => {
  await okJson(put('api', { kind: 'token', value: credentials.apiKey, hint: 'of the team' }));
  const login = { user: credentials.user, password: credentials.password };
  await okJson(put('login', { kind: 'basic', value: login }));
  await okJson(put('pair', { kind: 'json', value: { query: credentials.queryKey } }));
  const zone = { name: 'x-zone-key', value: credentials.zoneKey };
  await okJson(put('zone', { kind: 'header', value: zone }));
  await okJson(put('signing', { kind: 'token', value: credentials.signingKey }));
  const vaulted = tool('vaulted', '/tools/vaulted/*', `http://${upstream.host()}`, {
    secrets: SECRETS,
  });
  await okJson(putTool(vaulted));
  await okJson(
    putTool(
      tool('vaulted-json', '/tools/vaulted-json', `http://${upstream.host()}/json`, {
        method: 'GET',
        secrets: SECRETS,
      }),
    ),
  );
  // An isolate may take 5 s to see a new tool.
  const { path } = call('plain', 'apiKey');
  await vi.waitFor(async () => {
    const { status } = await world().send({ path });
    if (status !== 402) throw new Error(`the new tool answers ${status}`);
  }, 30_000);
  payer = await trustedAccount(world(), { reports: 3, balance: 1_000_000n });
});

describe('an upstream that demands credentials', () => {
  it('gets them, and a caller cannot replace or repeat them', async () => {
    const answer = await send(call('plain', 'none', '&key=mine&k%65y=mine'), {
      ...{ 'X-Api-Key': 'mine', Authorization: 'Basic bWluZTptaW5l', Range: 'bytes=0-3' },
    });
    expect([answer.status, await answer.text()]).toEqual([200, 'before  after']);
  });

  const kinds = [
    'apiKey',
    'password',
    'queryKey',
    'signingKey',
    'zoneKey',
    'authorization',
    'signature',
  ];
  it.each(Object.keys(LEAKS))('cannot give one back by %s', async (leak) => {
    for (const of of kinds) {
      // A status line cannot contain these bytes, and Node refuses to send them.
      const answer = await send(call(leak, of));
      const body = new Uint8Array(await answer.arrayBuffer().catch(() => new ArrayBuffer(0)));
      const shown = `${answer.statusText}\n${JSON.stringify([...answer.headers])}\n`;
      expect(found(shown), `${of} in headers`).toEqual([]);
      expect(found(body), `${of} in the body`).toEqual([]);
      // Decode JSON escapes, as a client does.
      const decoded = Buffer.from(body)
        .toString()
        .replace(/\\u([0-9a-f]{4})/gi, (_, hex: string) =>
          String.fromCharCode(Number.parseInt(hex, 16)),
        );
      expect(found(decoded), `${of} in the decoded body`).toEqual([]);
      if (leak === 'plain')
        expect(Buffer.from(body).toString()).toMatch(/^before .*\[secret:[a-z]+\].* after$/);
      if (leak === 'deflate' || leak === 'zstd') {
        expect(kindOf(await expectProblem(new Response(body, answer), 502))).toBe(
          'upstream-encoding',
        );
      }
      if (leak === 'redirect') expect(answer.status).toBe(502);
    }
    expect(upstream.seen.every(({ authorized }) => authorized)).toBe(true);
  });

  it('cannot give one back by a stored answer', async () => {
    const again = call('plain', 'apiKey', '&again=1');
    const payment = await bind(world(), payer, again);
    const headers = { ...bound(payment), ...retryKey(payment.intent) };
    const before = upstream.seen.length;
    for (const answer of [await world().send(again, headers), await world().send(again, headers)])
      expect(await answer.text()).toBe('before [secret:api] after');
    expect(upstream.seen.length).toBe(before + 1);
  });

  it('cannot give one back over MCP', async () => {
    const tools = { name: 'vaulted-json', arguments: { of: 'apiKey' } };
    const { extensions, ...payment } = await payBound(world(), payer, tools);
    const { intent: _, ...sent } = { ...payment, ...(extensions && { extensions }) };
    const answer = await callRaw(world(), tools, { 'x402/payment': sent });
    expect(JSON.stringify(answer)).toContain('[secret:api]');
    expect(found(JSON.stringify(answer))).toEqual([]);
  });
});

describe('a secret', () => {
  it('goes to no other host than its own, and the call charges nothing', async () => {
    const elsewhere = upstream.host().replace('127.0.0.1', 'localhost');
    const before = upstream.seen.length;
    await okJson(
      putTool(
        tool('elsewhere', '/tools/elsewhere', `http://${elsewhere}/plain`, {
          secrets: SECRETS.slice(0, 1),
        }),
      ),
    );
    await expect
      .poll(async () => (await world().send({ path: '/tools/elsewhere' })).status, {
        timeout: 30_000,
      })
      .toBe(402);
    expect(kindOf(await expectProblem(send({ path: '/tools/elsewhere' }), 503))).toBe(
      'secret-unavailable',
    );
    expect(upstream.seen.length).toBe(before);
  });

  it('is listed without its value, with the tools that used it', async () => {
    const { items } = await okJson<{ readonly items: readonly Record<string, unknown>[] }>(
      manage(world(), operator, 'secrets.list'),
    );
    expect(items.map(({ name }) => name)).toEqual([...['api', 'login', 'pair', 'signing', 'zone']]);
    expect(items[0]).toMatchObject({
      kind: 'token',
      version: 1,
      key: 'current',
      hint: 'of the team',
    });
    expect(items[0]?.['uses']).toEqual(
      expect.arrayContaining([{ tool: 'vaulted', at: expect.any(Number) as number }]),
    );
    expect(found(JSON.stringify(items))).toEqual([]);
  });

  it('that comes back is an entry of the log and an alert', async () => {
    const gateway = accountOf(world().payTo);
    await expect
      .poll(
        async () =>
          (await world().audit.entries(gateway))
            .filter(({ rule }) => rule === 'secret_returned')
            .map(({ outcome }) => outcome?.['secret']),
        { timeout: 30_000 },
      )
      .toEqual(expect.arrayContaining(['api', 'login', 'pair', 'signing', 'zone']));
  });

  it('needs 8 bytes, a known kind and a host, and no fault repeats it', async () => {
    const cases: readonly (readonly [object, string])[] = [
      [{ kind: 'token', value: 'short77' }, 'body.value'],
      [{ kind: 'token', value: 'aaaaaaaaaaaaaaaa' }, 'body.value'],
      [{ kind: 'token', value: credentials.apiKey, host: '169.254.169.254' }, 'body.host'],
      [{ kind: 'token', value: credentials.apiKey, hint: credentials.apiKey }, 'body.hint'],
      [{ kind: 'basic', value: credentials.apiKey }, 'body.value'],
    ];
    for (const [body, field] of cases) {
      const problem = await expectProblem(put('bad', body), 400);
      expect(JSON.stringify(problem)).toContain(`"${field}"`);
      expect(JSON.stringify(problem)).not.toContain('short77');
      expect(found(JSON.stringify(problem))).toEqual([]);
    }
  });

  it('is replaced only by a command that names its version, and removed for good', async () => {
    const value = randomBytes(20).toString('hex');
    spares.push(value);
    const { etag } = await okJson<CommandAnswer & { readonly etag: string }>(
      put('spare', { kind: 'token', value }),
    );
    expect((await put('spare', { kind: 'token', value: `${value}2` })).status).toBe(428);
    const match = { 'If-Match': `"${etag}"` };
    await okJson(put('spare', { kind: 'token', value: `${value}3` }, match));
    expect((await put('spare', { kind: 'token', value: `${value}4` }, match)).status).toBe(412);
    const params = { secret: 'spare' };
    await okJson(
      manage(world(), operator, 'secrets.delete', { params, headers: { 'If-Match': '*' } }),
    );
    expect((await manage(world(), operator, 'secrets.delete', { params })).status).toBe(404);
  });

  it('is in no database, object or log of the gateway after all of this, and neither is a key or a retry secret', async () => {
    const gateway = accountOf(world().payTo);
    await expect
      .poll(
        async () =>
          (await world().audit.entries(gateway)).filter(({ type }) => type === 'secret.removed')
            .length,
        { timeout: 30_000 },
      )
      .toBe(1);
    const { directory } = world();
    const settings = await plantedSettings(directory);
    expect(settings.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['VAULT_KEY', 'RECEIPT_KEY', 'LOG_KEY']),
    );
    expect([spares.length, sentRetrySecrets().length - sentBefore]).toEqual([1, 1]);
    const others = [
      ...spares.map((value) => plantText('spare', value)),
      ...sentRetrySecrets().map((secret) => plantKey('a retry secret', secret)),
    ];
    expect(await scanState(directory, [...planted, ...settings, ...others])).toEqual([]);
    await mustSearch(directory, payer.address.toLowerCase().slice(2));
  });
});
