import type { LocalAccount } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { describe, expect, it } from 'vitest';
import { serveLoopback } from '../../dev/stack/loopback.ts';
import { people } from '../../dev/stack/people.ts';
import { entryHash } from '../../src/audit/entry.ts';
import { createFakeSlack } from '../support/fake-slack.ts';
import { accountOf } from './support/credit.ts';
import { agentIntent, signIntent } from './support/intent.ts';
import { fundedAccount, pay } from './support/payment.ts';
import { lookup, type ToolCall, useWorld } from './support/world.ts';
import { useReceiver, isGenuine } from './support/webhook-receiver.ts';

const LOOKUP_PRICE = 1_000n;

/**
 * The second look-up exceeds 80 percent of this limit, which raises an alert. It is no window, because a window could end between the two
 * calls.
 */
const world = useWorld({
  variables: {
    OPERATORS: people.operator.address,
    DEFAULT_POLICY: JSON.stringify({
      perCall: '5000000u',
      exposure: '1000000u',
      rate: { limit: 100_000, seconds: 1 },
      lifetime: `${LOOKUP_PRICE * 2n + 200n}u`,
    }),
  },
});
const operator = privateKeyToAccount(people.operator.privateKey);

type Event = {
  readonly type: string;
  readonly data: {
    readonly account: string;
    readonly seq: number;
    readonly rule: string;
    readonly entry: string;
    readonly detail: Readonly<Record<string, unknown>>;
  };
};

const receiver = useReceiver((path) => {
  if (path === '/gone') return new Response(null, { status: 410 });
  const elsewhere = { Location: 'http://169.254.169.254/latest/meta-data/' };
  return path === '/moved'
    ? new Response(null, { status: 307, headers: elsewhere })
    : new Response('{}');
});
const { received } = receiver;

const send = async (
  by: LocalAccount,
  tool: string,
  call: ToolCall,
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> => {
  const signed = await signIntent(world(), by, call, { tool: `countersign.admin.${tool}` });
  return await world().send(call, { ...agentIntent(signed), ...headers });
};

const putWebhook = async (
  by: LocalAccount,
  path: string,
  url: string,
  events: readonly string[] = ['*'],
): Promise<Response> =>
  await send(by, `${path.startsWith('/admin') ? '' : 'account.'}webhooks.put`, {
    path,
    method: 'PUT',
    body: JSON.stringify({ url, events }),
    contentType: 'application/json',
  });

const eventsAt = (path: string): readonly Event[] =>
  received.filter((each) => each.path === path).map(({ body }) => JSON.parse(body) as Event);

const until = async <T>(read: () => T | Promise<T>, holds: (value: T) => boolean): Promise<T> => {
  const end = Date.now() + 30_000;
  for (;;) {
    const value = await read();
    if (holds(value) || Date.now() > end) return value;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
};

describe('an alert', () => {
  let agent: LocalAccount;

  it('reaches the operator and the account, signed', async () => {
    agent = await fundedAccount(world(), 1_000_000n);
    const account = accountOf(agent.address);
    expect((await pay(world(), agent, lookup)).status).toBe(200);
    const own = `/accounts/${account}/webhooks`;
    for (const [by, path, place] of [
      [operator, '/admin/webhooks/ops', '/ops'],
      [agent, `${own}/mine`, '/mine'],
      [agent, `${own}/gone`, '/gone'],
    ] as const) {
      const answer = await putWebhook(by, path, receiver.url() + place);
      expect(answer.status, await answer.clone().text()).toBe(200);
    }
    const other = await putWebhook(operator, '/admin/webhooks/debts', `${receiver.url()}/debts`, [
      'debt',
    ]);
    expect(other.status).toBe(200);

    expect((await pay(world(), agent, lookup)).status).toBe(200);
    await until(
      () => [eventsAt('/ops'), eventsAt('/mine')],
      (both) => both.every((events) => events.some(({ data }) => data.rule === 'soft_limit')),
    );
    for (const place of ['/ops', '/mine']) {
      const event = eventsAt(place).find(({ data }) => data.rule === 'soft_limit');
      expect(event).toMatchObject({ type: 'alert.raised', data: { account } });
      const entries = await world().audit.entries(account);
      const entry = entries.find(({ seq }) => seq === event?.data.seq);
      expect(entry).toMatchObject({ type: 'alert.raised', rule: 'soft_limit' });
      expect(event?.data.entry).toBe(entry === undefined ? '' : entryHash(entry));
      expect(event?.data.detail).toEqual(entry?.outcome);
    }
    for (const message of received) {
      expect(await isGenuine(world(), message), message.path).toBe(true);
      expect(await isGenuine(world(), { ...message, body: `${message.body} ` })).toBe(false);
    }
  });

  it('reports an endpoint that is gone, which the gateway then disables', async () => {
    const account = accountOf(agent.address);
    const disabled = (events: readonly Event[]) =>
      events.some(({ data }) => data.rule === 'webhook_disabled');
    const events = await until(() => eventsAt('/mine'), disabled);
    const disabling = events.find(({ data }) => data.rule === 'webhook_disabled');
    expect(disabling?.data.detail).toMatchObject({ webhook: 'gone', reason: 'gone' });
    expect(eventsAt('/gone')).toHaveLength(1);
    expect(eventsAt('/debts')).toEqual([]);
    // The operator receives the alert too, and each message once.
    await until(() => eventsAt('/ops'), disabled);
    const ids = received
      .filter(({ path }) => path === '/ops')
      .map(({ headers }) => headers.get('webhook-id'));
    expect(new Set(ids).size).toBe(ids.length);

    const own = `/accounts/${account}/webhooks`;
    const list = await send(agent, 'account.webhooks.list', { path: own });
    expect(await list.json()).toMatchObject({
      items: [
        { id: 'gone', state: 'disabled', reason: 'gone' },
        { id: 'mine', state: 'active' },
      ],
    });
    const path = `${own}/gone/deliveries`;
    const log = await send(agent, 'account.webhooks.deliveries', { path });
    expect(await log.json()).toMatchObject({
      items: [{ attempt: 1, status: 410, outcome: 'disabled', rule: 'soft_limit' }],
    });
  });

  it('can be tested, and the gateway follows no redirect', async () => {
    const test = async (id: string) => {
      const path = `/admin/webhooks/${id}/test`;
      return await (await send(operator, 'webhooks.test', { path, method: 'POST' })).json();
    };
    expect(await test('ops')).toMatchObject({ type: 'webhook.test', status: 200 });
    expect(eventsAt('/ops').at(-1)?.type).toBe('webhook.test');
    await putWebhook(operator, '/admin/webhooks/moved', `${receiver.url()}/moved`);
    expect(await test('moved')).toMatchObject({
      status: 307,
      fault: 'redirect',
      outcome: 'failed',
    });
  });
});

describe('a Slack channel', () => {
  it('gets alerts in words, and its URL is in no answer and no entry of the log', async () => {
    const path = '/services/T0/B0/hunter2secret';
    const slack = createFakeSlack(path);
    const server = await serveLoopback({ handler: slack.handle });
    const agent = await fundedAccount(world(), 1_000_000n);
    const account = accountOf(agent.address);
    const own = `/accounts/${account}/webhooks`;
    try {
      expect((await pay(world(), agent, lookup)).status).toBe(200);
      const document = { url: `${server.url}${path}`, events: ['*'], format: 'slack' };
      const put = {
        ...{ path: `${own}/chat`, method: 'PUT', contentType: 'application/json' },
        body: JSON.stringify(document),
      };
      expect((await send(agent, 'account.webhooks.put', put)).status).toBe(200);
      // A label may contain any character, so Slack must not interpret it as markup.
      const label = {
        ...{ path: `/accounts/${account}`, method: 'PUT', contentType: 'application/json' },
        body: JSON.stringify({ label: '<!channel> & co' }),
      };
      expect((await send(agent, 'account.put', label)).status).toBe(200);
      expect((await pay(world(), agent, lookup)).status).toBe(200);
      await until(
        () => slack.posted,
        (posts) => posts.length > 0,
      );
      expect(slack.posted).toMatchObject([{ special: [] }]);
      expect(slack.posted[0]?.text).toMatch(
        / has used \$0\.002 of \$0\.0022 \(lifetime\)\. Resets: never\.$/,
      );

      const entries = await until(
        () => world().audit.entries(account),
        (all) => all.some(({ type }) => type === 'alert.raised'),
      );
      expect(entries.some(({ type }) => type === 'webhook.put')).toBe(true);
      const list = await (await send(agent, 'account.webhooks.list', { path: own })).text();
      expect(JSON.parse(list)).toMatchObject({
        items: [{ id: 'chat', url: `${server.url}/`, format: 'slack' }],
      });
      const get = await send(agent, 'account.webhooks.get', { path: `${own}/chat` });
      const log = { path: `${own}/chat/deliveries` };
      const deliveries = await (await send(agent, 'account.webhooks.deliveries', log)).text();
      const shown = [list, await get.text(), deliveries, JSON.stringify(entries)].join();
      expect(shown).not.toContain('hunter2secret');
    } finally {
      await server.stop();
    }
  });
});

describe('an endpoint', () => {
  it.each([
    'http://10.0.0.1/',
    'https://169.254.169.254/latest/meta-data/',
    'https://[::ffff:127.0.0.1]/',
    'https://metadata.google.internal/',
    'https://user:secret@hooks.example.com/',
    'http://hooks.example.com/',
  ])('at %s is rejected', async (url) => {
    const answer = await putWebhook(operator, '/admin/webhooks/bad', url);
    expect(answer.status).toBe(400);
    expect(JSON.stringify(await answer.json())).toContain('body.url');
  });
});
