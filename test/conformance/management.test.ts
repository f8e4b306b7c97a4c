import { createPublicKey, type JsonWebKey, verify } from 'node:crypto';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { LocalAccount } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { people } from '../../dev/stack/people.ts';
import { verifyLog } from '../../src/audit/verify.ts';
import { accountOf, creditedAccount } from './support/credit.ts';
import { callWith, type Granted, granted, grantFor } from './support/grant.ts';
import { all, manage, type Ordered, type Page, told } from './support/manage.ts';
import { kindOf, readProblem } from './support/offer.ts';
import { bind, bound, callOf } from './support/bound.ts';
import { agentIntent, digestOf, signPaidIntent } from './support/intent.ts';
import { fundedAccount, newAccount, nowSeconds, trustedAccount } from './support/payment.ts';
import { lookup, type ToolCall, translate, useWorld } from './support/world.ts';

const world = useWorld({ variables: { OPERATORS: people.operator.address } });
const operator = privateKeyToAccount(people.operator.privateKey);
const MISSING = `0x${'00'.repeat(32)}`;

let owner: LocalAccount;
beforeAll(async () => {
  owner = await creditedAccount(world(), { credit: 2_000_000n, left: 1_000n });
});

const about = ({ address }: { readonly address: string }) => ({ account: accountOf(address) });

/** A new key that the owner has granted to. */
const grantedAgent = async (): Promise<{ agent: LocalAccount; grant: Granted }> => {
  const agent = newAccount();
  const grant = await granted(world(), owner, grantFor(world(), owner.address, agent.address));
  return { agent, grant };
};

const refused = async (answer: Promise<Response>, status: number) => {
  const said = await answer;
  expect(said.status, await said.clone().text()).toBe(status);
  return readProblem(said);
};

const served = async (answer: Promise<Response>): Promise<void> => {
  const said = await answer;
  expect(said.status, await said.clone().text()).toBe(200);
};

const eventually = { timeout: 20_000, interval: 300 };

describe('an operator', () => {
  it('names an account that nobody knows yet, and finds it by its name', async () => {
    const { address } = newAccount();
    const params = about({ address });
    expect(kindOf(await refused(manage(world(), operator, 'account.get', { params }), 404))).toBe(
      'unknown-account',
    );
    const label = `customer ${address.slice(2, 8)}`;
    const named = await manage(world(), operator, 'accounts.put', { params, body: { label } });
    const ordered = (await named.clone().json()) as Ordered;
    expect([named.status, ordered.changed]).toEqual([200, true]);
    expect(named.headers.get('ETag')).toBe(`"${ordered.etag}"`);
    const standing = await told(manage(world(), operator, 'account.get', { params }));
    expect(standing).toMatchObject({
      ...{ account: params.account, label, status: 'active', operator_status: 'active' },
      ...{ owner_status: 'active', etags: { label: ordered.etag } },
    });
    const listed = async () => {
      const query = { label };
      return (await told<Page>(manage(world(), operator, 'accounts.list', { query }))).items;
    };
    await expect
      .poll(listed, eventually)
      .toMatchObject([{ account: params.account, label, status: 'active' }]);
  });

  it('freezes an account whatever its owner says, and lets it go on', async () => {
    const { agent } = await grantedAgent();
    const params = about(agent);
    await served(callWith(world(), agent, lookup));
    const status = (to: string) =>
      told<Ordered>(manage(world(), operator, 'accounts.status', { params, body: { status: to } }));
    expect(await status('frozen')).toMatchObject({ changed: true });
    expect((await refused(callWith(world(), agent, lookup), 403))['rule']).toBe('frozen');
    // The owner has a status of its own to set: it lifts nothing.
    const body = { status: 'active' };
    await told(manage(world(), owner, 'account.status', { params, body }));
    expect((await refused(callWith(world(), agent, lookup), 403))['rule']).toBe('frozen');
    expect(await told(manage(world(), owner, 'account.get', { params }))).toMatchObject({
      ...{ status: 'frozen', operator_status: 'frozen', owner_status: 'active' },
    });
    expect(await status('active')).toMatchObject({ changed: true });
    await served(callWith(world(), agent, lookup));
  });

  it('gives an account credit, and takes no more than it has', async () => {
    const account = await creditedAccount(world(), { credit: 100_000n, left: 0n });
    const params = about(account);
    const asset = `eip155:84532/erc20:${world().stack.description.usdc.toLowerCase()}`;
    const adjust = (amount: string) =>
      manage(world(), operator, 'credits.adjust', {
        ...{ params, body: { asset, amount, reason: 'goodwill, ticket 7' } },
      });
    expect(await told(adjust('50000'))).toEqual({
      ...{ ...params, asset, amount: '50000', credit: '150000' },
    });
    expect(await told(adjust('-149000'))).toMatchObject({ credit: '1000' });
    expect(await refused(adjust('-1001'), 409)).toMatchObject({ credit: '1000' });
    const adjusted = async () =>
      (await world().audit.entries(params.account)).filter(
        ({ type }) => type === 'credit.adjusted',
      );
    await expect.poll(adjusted, eventually).toMatchObject([
      {
        evidence: {
          order: { agent: operator.address.toLowerCase(), target: expect.any(String) as string },
          signature: expect.stringMatching(/^0x[0-9a-f]{130}$/) as string,
        },
      },
      {},
    ]);
  });

  it('carries an order out once, however often it is sent', async () => {
    const params = about(newAccount());
    const call = { params, body: { label: 'once' } };
    const nonce = `0x${'5a'.repeat(32)}` as const;
    const [validAfter, validBefore] = [BigInt(nowSeconds() - 5), BigInt(nowSeconds() + 60)];
    const fields = { nonce, validAfter, validBefore };
    const send = () => manage(world(), operator, 'accounts.put', { ...call, fields });
    await told(send());
    expect(kindOf(await refused(send(), 409))).toBe('already-used');
    // What was read may be read again.
    const read = () => manage(world(), operator, 'account.get', { params, fields });
    await told(read());
    await told(read());
  });
});

describe('two who change one thing at once', () => {
  it('never lose a change: the second is told, and what is there', async () => {
    const { agent } = await grantedAgent();
    const params = about(agent);
    const put = (perCall: string, headers: Record<string, string> = {}) =>
      manage(world(), owner, 'account.policy.put', { params, body: { perCall }, headers });
    const missing = await refused(manage(world(), owner, 'account.policy.get', { params }), 404);
    expect(kindOf(missing)).toBe('unknown-document');
    const { etag: first } = await told<Ordered>(put('$0.05', { 'If-None-Match': '*' }));
    const read = await manage(world(), operator, 'account.policy.get', { params });
    expect(read.headers.get('ETag')).toBe(`"${first}"`);
    expect(await read.json()).toMatchObject({ perCall: '$0.05' });

    const unseen = await put('$0.06');
    expect([unseen.status, unseen.headers.get('ETag')]).toEqual([428, `"${first}"`]);
    const match = { 'If-Match': `"${first}"` };
    const answers = await Promise.all([put('$0.07', match), put('$0.08', match)]);
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200, 412]));
    const late = answers.find(({ status }) => status === 412) as Response;
    const won = answers.find(({ status }) => status === 200) as Response;
    const { etag: second } = (await won.clone().json()) as Ordered;
    expect(late.headers.get('ETag')).toBe(`"${second}"`);
    expect(await readProblem(late)).toMatchObject({ current: second });
    await told(put('$0.09', { 'If-Match': `"${second}"` }));
    expect((await put('$0.10', { 'If-None-Match': '*' })).status).toBe(412);

    const remove = (headers: Record<string, string>) =>
      manage(world(), owner, 'account.policy.delete', { params, headers });
    expect((await remove(match)).status).toBe(412);
    await told(remove({ 'If-Match': '*' }));
    expect((await manage(world(), owner, 'account.policy.get', { params })).status).toBe(404);
  });
});

describe('a policy that would cut off what is running', () => {
  it('says how many, and lets them end', async () => {
    const { agent } = await grantedAgent();
    const params = about(agent);
    const hang: ToolCall = { path: '/tools/flaky?hang=1' };
    const running = [1, 2, 3].map(async () => await callWith(world(), agent, hang));
    const put = (headers: Record<string, string>, tools: readonly string[]) =>
      told<Ordered>(
        manage(world(), owner, 'account.policy.put', { params, body: { tools }, headers }),
      );
    const dry = () => put({ 'Dry-Run': '?1' }, ['lookup']);
    await expect
      .poll(async () => (await dry()).in_flight, { timeout: 4_000, interval: 100 })
      .toEqual({ held: 3, cut_off: 3 });
    expect(await put({ 'Dry-Run': '?1' }, ['flaky'])).toMatchObject({
      ...{ in_flight: { held: 3, cut_off: 0 }, dry_run: true },
    });
    // Asking has changed nothing.
    expect((await manage(world(), owner, 'account.policy.get', { params })).status).toBe(404);
    const done = await put({}, ['lookup']);
    expect(done).toMatchObject({ changed: true, in_flight: { held: 3, cut_off: 3 } });
    expect(await Promise.all(running.map(async (each) => (await each).status))).toEqual([
      504, 504, 504,
    ]);
    expect((await refused(callWith(world(), agent, hang), 403))['rule']).toBe('tool');
  });
});

describe('an owner', () => {
  it('sees its agents, their calls and what they spent, and those of nobody else', async () => {
    const fleet = [await grantedAgent(), await grantedAgent()];
    for (const { agent } of fleet) await served(callWith(world(), agent, lookup));
    const [one] = fleet as [(typeof fleet)[number]];
    await served(callWith(world(), one.agent, translate));

    const children = await all(world(), owner, 'account.tree', {
      ...{ params: about(owner), query: { limit: 2 } },
    });
    expect(children).toEqual(
      expect.arrayContaining(
        fleet.map(({ agent, grant }) =>
          expect.objectContaining({ ...about(agent), grant: grant.hash, status: 'active' }),
        ),
      ),
    );
    const params = about(one.agent);
    const calls = async () =>
      await all<{ call: string; tool: string }>(world(), owner, 'account.calls', {
        ...{ params, query: { limit: 1 } },
      });
    // In one second, their ids decide which is newer.
    const byTool = async () =>
      Object.fromEntries((await calls()).map((call) => [call.tool, call] as const));
    await expect.poll(byTool, eventually).toEqual({
      translate: expect.objectContaining({ ...params, state: 'committed', charged: '20000' }),
      lookup: expect.objectContaining({ ...params, state: 'committed', charged: '1000' }),
    });
    const { translate: last } = await byTool();
    const call = String(last?.['call']);
    const found = await told<{ call: object }>(
      manage(world(), one.agent, 'account.call', { params: { ...params, call } }),
    );
    expect(found.call).toEqual(last);

    const spend = async (who: LocalAccount, of: LocalAccount, by: string) => {
      const said = { params: about(of), query: { by } };
      const { items } = await told<Page>(manage(world(), who, 'account.spend', said));
      return Object.fromEntries(items.map((item) => [item['key'], item['charged']]));
    };
    await expect
      .poll(async () => await spend(owner, one.agent, 'tool'), eventually)
      .toEqual({ lookup: '1000', translate: '20000' });
    expect(await spend(owner, owner, 'account')).toMatchObject({
      [accountOf(one.agent.address)]: '21000',
    });
    const everybody = await told<Page>(
      manage(world(), operator, 'spend', { query: { by: 'tool' } }),
    );
    expect(everybody.items.map(({ key }) => key)).toContain('translate');

    const stranger = newAccount();
    for (const who of [stranger, fleet[1]?.agent as LocalAccount]) {
      const problem = await refused(manage(world(), who, 'account.calls', { params }), 404);
      expect(kindOf(problem)).toBe('unknown-account');
    }
  });

  it('exports its agent’s log so that anybody can verify it, and its calls for a spreadsheet', async () => {
    const { agent } = await grantedAgent();
    const params = about(agent);
    for (const _ of [1, 2, 3]) await served(callWith(world(), agent, lookup));
    const log = async (limit: number) => {
      let text = '';
      let query: Record<string, string | number> = { format: 'ndjson', limit };
      for (;;) {
        const page = await manage(world(), owner, 'account.entries', { params, query });
        expect(page.headers.get('Content-Type')).toBe('application/x-ndjson');
        text += await page.text();
        const next = /[?&]after=([0-9]+)[^>]*>; rel="next"/.exec(
          page.headers.get('Link') ?? '',
        )?.[1];
        if (next === undefined) return text;
        query = { ...query, after: next };
      }
    };
    await expect
      .poll(async () => (await log(500)).match(/"type":"call\.finished"/g)?.length, eventually)
      .toBe(3);
    const text = await log(2);
    const verified = verifyLog(text, { account: accountOf(agent.address) as never });
    expect(verified).toMatchObject({ ok: true, value: { first: 1 } });
    expect(verifyLog(text.replace('"1000"', '"1001"')).ok).toBe(false);

    const csv = async (query: Record<string, string | number>) =>
      await manage(world(), owner, 'account.calls', { params, query: { format: 'csv', ...query } });
    const whole = await csv({});
    expect(whole.headers.get('Content-Type')).toBe('text/csv; charset=utf-8');
    const lines = (await whole.text()).split('\r\n');
    expect(lines[0]).toMatch(/^accepted_at,account,call,tool,state,/);
    expect(lines).toHaveLength(1 + 3 + 1);
    const first = await csv({ limit: 2 });
    const link = first.headers.get('Link') ?? '';
    const after = /[?&]after=([^&>]+)/.exec(link)?.[1] ?? '';
    const joined = (await first.text()) + (await (await csv({ limit: 2, after })).text());
    expect(joined).toBe(lines.join('\r\n'));
  });

  it('watches an agent as it works', async () => {
    const { agent } = await grantedAgent();
    const params = about(agent);
    const events = await manage(world(), owner, 'account.events', { params, query: { after: 0 } });
    expect(events.headers.get('Content-Type')).toBe('text/event-stream');
    const reader = (events.body as ReadableStream<Uint8Array>).getReader();
    let text = '';
    const until = async (pattern: RegExp): Promise<void> => {
      while (!pattern.test(text)) {
        const { done, value } = await reader.read();
        if (done) throw new Error(`the stream ended: ${text}`);
        text += new TextDecoder().decode(value);
      }
    };
    await until(/^event: grant\.taken$/m);
    await served(callWith(world(), agent, lookup));
    await until(/^event: call\.finished$/m);
    await reader.cancel();
    const ids = [...text.matchAll(/^id: ([0-9]+)$/gm)].map(([, id]) => Number(id));
    expect(ids).toEqual(ids.map((_, at) => at + 1));
  });
});

describe('a tool', () => {
  const tool = (id: string, more: object = {}) => ({
    ...{ id, method: 'GET', path: `/tools/${id}`, description: 'Says hello.', price: '$0.002' },
    ...{ settlement: 'deferred', upstream: '/whoami', ...more },
  });
  const put = (id: string, body: object, headers: Record<string, string> = {}) =>
    manage(world(), operator, 'tools.put', { params: { tool: id }, body, headers });
  const answers = async (id: string) => (await world().send({ path: `/tools/${id}` })).status;
  const soon = { timeout: 6_000, interval: 250 };

  it('is sold within five seconds, without a deploy, and gone as soon', async () => {
    expect(await answers('hello')).toBe(404);
    const { etag } = await told<Ordered>(put('hello', tool('hello')));
    await expect.poll(async () => await answers('hello'), soon).toBe(402);
    const params = { tool: 'hello' };
    const read = await manage(world(), operator, 'tools.get', { params });
    expect([read.headers.get('ETag'), await read.json()]).toEqual([`"${etag}"`, tool('hello')]);

    expect((await put('hello', tool('hello', { price: '$0.003' }))).status).toBe(428);
    const match = { 'If-Match': `"${etag}"` };
    const both = await Promise.all([
      put('hello', tool('hello', { price: '$0.003' }), match),
      put('hello', tool('hello', { price: '$0.004' }), match),
    ]);
    expect(new Set(both.map(({ status }) => status))).toEqual(new Set([200, 412]));
    const disabled = tool('hello', { disabled: true });
    await told(put('hello', disabled, { 'If-Match': '*' }));
    await expect.poll(async () => await answers('hello'), soon).toBe(404);
    const listed = await all(world(), operator, 'tools.list', { query: { limit: 4 } });
    expect(listed.find(({ id }) => id === 'hello')).toMatchObject({
      ...{ source: 'stored', disabled: true, tool: disabled },
    });
    expect(listed.length).toBeGreaterThan(10);
    await told(manage(world(), operator, 'tools.delete', { params, headers: { 'If-Match': '*' } }));
    expect((await manage(world(), operator, 'tools.get', { params })).status).toBe(404);
    expect((await manage(world(), operator, 'tools.delete', { params })).status).toBe(404);
  });

  it('of tools.json can be changed, and taken away', async () => {
    const params = { tool: 'stream' };
    const read = await manage(world(), operator, 'tools.get', { params });
    const known = read.headers.get('ETag') ?? '';
    const document = (await read.json()) as Record<string, unknown>;
    expect((await put('stream', { ...document, price: '$0.02' })).status).toBe(428);
    await told(put('stream', { ...document, price: '$0.02' }, { 'If-Match': known }));
    await expect
      .poll(async () => {
        const answer = await world().send({ path: '/tools/stream' });
        return JSON.stringify(await answer.json());
      }, soon)
      .toContain('20000');
    await told(manage(world(), operator, 'tools.delete', { params, headers: { 'If-Match': '*' } }));
    await expect.poll(async () => await answers('stream'), soon).toBe(404);
  });

  it.each([
    ['another id than its address', 'hello', tool('other'), ['body.id']],
    ['the place of another', 'mine', tool('mine', { path: '/tools/lookup' }), ['body.path']],
    ['a path of the gateway', 'mine', tool('mine', { path: '/admin/mine' }), ['body.path']],
    ['faults', 'mine', tool('mine', { price: '2 cents', more: 1 }), ['body.price', 'body.more']],
  ])('with %s is refused, and says why', async (_, id, document, fields) => {
    const problem = await refused(put(id, document), 400);
    const faults = problem['faults'] as readonly { field: string }[];
    expect(faults.map(({ field }) => field).toSorted()).toEqual(fields.toSorted());
  });
});

describe('a payment', () => {
  it('is told of from its call to its end', async () => {
    const payer = await trustedAccount(world(), { reports: 1, left: 20_000n });
    const payment = await bind(world(), payer, lookup);
    await served(world().send(lookup, bound(payment)));
    const params = { ...about(payer), call: callOf(payment) };
    const story = async () => {
      const answer = await manage(world(), operator, 'settlements.get', { params });
      return answer.ok
        ? ((await answer.json()) as { settlement: object; entries: readonly { type: string }[] })
        : undefined;
    };
    await expect
      .poll(async () => (await story())?.settlement, eventually)
      .toMatchObject({
        ...{ state: 'settled', amount: '1000', tool: 'lookup' },
        transaction: expect.stringMatching(/^0x[0-9a-f]{64}$/) as string,
      });
    expect((await story())?.entries.map(({ type }) => type)).toEqual([
      ...['call.accepted', 'call.finished', 'payment.settled'],
    ]);
    const query = { account: accountOf(payer.address) };
    const listed = await all(world(), operator, 'settlements.list', { query });
    expect(listed.map(({ state, tool }) => [state, tool])).toEqual(
      expect.arrayContaining([
        ['settled', 'lookup'],
        ['settled', 'report'],
      ]),
    );
    const again = await refused(manage(world(), operator, 'settlements.redrive', { params }), 409);
    expect(kindOf(again)).toBe('not-writable');
    const body = { reason: 'never came' };
    const off = manage(world(), operator, 'settlements.writeoff', { params, body });
    expect(kindOf(await refused(off, 409))).toBe('not-writable');
    const nothing = { ...params, call: MISSING };
    const none = await refused(
      manage(world(), operator, 'settlements.get', { params: nothing }),
      404,
    );
    expect(kindOf(none)).toBe('unknown-call');
    const depths = await told(manage(world(), operator, 'queues'));
    expect(depths).toMatchObject({ dead_letters: 0 });
  });
});

describe('what a silent tool keeps', () => {
  const bank: ToolCall = { path: '/tools/bank?hang=1' };
  const PRICE = '1000';

  beforeAll(async () => {
    const body = {
      ...{ id: 'bank', method: 'GET', path: '/tools/bank', description: 'Pays a bill.' },
      ...{ price: '$0.001', settlement: 'upfront', onSilence: 'keep', timeoutSeconds: 1 },
      upstream: '/flaky',
    };
    await told(manage(world(), operator, 'tools.put', { params: { tool: 'bank' }, body }));
    await vi.waitFor(
      async () => {
        const { status } = await world().send({ path: '/tools/bank' });
        if (status !== 402) throw new Error(`the tool is answered ${status}`);
      },
      { timeout: 6_000, interval: 250 },
    );
  });

  const creditOf = async (account: string) => {
    const params = { account };
    const standing = await told<{
      readonly money: readonly { readonly credit: string; readonly credit_held: string }[];
    }>(manage(world(), operator, 'account.get', { params }));
    const { credit, credit_held } = standing.money[0] ?? {};
    return [credit, credit_held];
  };

  it.each([
    ['credit', true, ['2000', '1000'], ['1000', '0'], 'settled'],
    ['credit', false, ['2000', '1000'], ['2000', '0'], 'released'],
    ['a payment', true, ['0', '0'], ['0', '0'], 'settled'],
    ['a payment', false, ['0', '0'], ['1000', '0'], 'settled'],
  ] as const)(
    'of %s waits, is listed, and is resolved once (charge %s)',
    async (of, charge, before, after, state) => {
      let payer: LocalAccount;
      let call: string;
      let answer: Response;
      if (of === 'credit') {
        payer = await creditedAccount(world(), { credit: 2_000n, left: 0n });
        const signed = await signPaidIntent(world(), payer, bank);
        call = digestOf(signed.intent);
        answer = await world().send(bank, agentIntent(signed));
      } else {
        payer = await fundedAccount(world(), 1_000n);
        const payment = await bind(world(), payer, bank);
        call = callOf(payment);
        answer = await world().send(bank, bound(payment));
      }
      expect(await refused(Promise.resolve(answer), 504)).toMatchObject({ money: 'held' });
      const { account } = about(payer);
      expect(await creditOf(account)).toEqual(before);

      const query = { state: 'kept', account };
      const listed = async () => await all(world(), operator, 'settlements.list', { query });
      await expect
        .poll(listed, eventually)
        .toMatchObject([{ account, call, state: 'kept', tool: 'bank', amount: PRICE }]);
      const params = { account, call };
      const body = { charge, reason: 'asked the bank' };
      const order = () => manage(world(), operator, 'settlements.resolve', { params, body });
      for (const bad of [{ charge }, { ...body, charge: 'yes' }, { ...body, more: 1 }]) {
        const wrong = manage(world(), operator, 'settlements.resolve', { params, body: bad });
        await refused(wrong, 400);
      }
      expect(await told<Ordered>(order())).toMatchObject({ changed: true });
      expect(await creditOf(account)).toEqual(after);
      const again = await refused(order(), 409);
      expect(kindOf(again)).toBe('not-writable');
      expect(again['hint']).toContain(charge ? 'charged' : 'released');

      const kept = charge ? 'charged' : 'released';
      await expect
        .poll(
          async () => await told(manage(world(), operator, 'settlements.get', { params })),
          eventually,
        )
        .toMatchObject({
          settlement: { state, amount: PRICE },
          call: { state: 'abandoned', kept, charged: charge ? PRICE : '0' },
        });
      const story = await told<{ readonly entries: readonly { readonly type: string }[] }>(
        manage(world(), operator, 'settlements.get', { params }),
      );
      expect(story.entries.at(-1)).toMatchObject({
        ...{ type: 'call.resolved', decision: kept, outcome: { reason: 'asked the bank' } },
      });
      expect(await listed()).toEqual([]);
      const spent = await told<{ readonly items: readonly object[] }>(
        manage(world(), operator, 'account.spend', { params: { account }, query: { by: 'tool' } }),
      );
      expect(spent.items.filter((item) => 'key' in item && item.key === 'bank')).toMatchObject([
        { calls: 1, failed: 1, charged: charge ? PRICE : '0' },
      ]);
    },
  );
});

type Received = { readonly headers: IncomingHttpHeaders; readonly body: string };

describe('a webhook', () => {
  const received: Received[] = [];
  const receiver = createServer((request, answer) => {
    let body = '';
    request.setEncoding('utf8');
    request.on('data', (part: string) => (body += part));
    request.on('end', () => {
      received.push({ headers: request.headers, body });
      answer.writeHead(204).end();
    });
  });
  beforeAll(async () => {
    await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  });
  afterAll(() => receiver.close());

  const body = () => ({
    url: `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/alerts`,
    events: ['soft_limit'],
    description: 'pager',
  });

  /** As a receiver would, with the published key alone (Standard Webhooks, `v1a`). */
  const isSigned = async ({ headers, body: text }: Received): Promise<boolean> => {
    const answer = await world().send({ path: '/.well-known/jwks.json' });
    const { keys } = (await answer.json()) as { readonly keys: readonly JsonWebKey[] };
    const [scheme, signature = ''] = String(headers['webhook-signature']).split(',');
    const content = `${String(headers['webhook-id'])}.${String(headers['webhook-timestamp'])}.${text}`;
    return (
      scheme === 'v1a' &&
      keys.some((key) =>
        verify(
          null,
          Buffer.from(content),
          createPublicKey({ key, format: 'jwk' }),
          Buffer.from(signature, 'base64'),
        ),
      )
    );
  };

  it('tells an owner that an agent of its nears its limit', async () => {
    const { agent } = await grantedAgent();
    const named = { ...about(owner), webhook: 'pager' };
    const put = (more: object = {}) =>
      manage(world(), owner, 'account.webhooks.put', { params: named, body: body(), ...more });
    const { etag } = await told<Ordered>(put());
    expect(await told(put())).toMatchObject({ changed: false, etag });

    const policy = { params: about(agent), body: { lifetime: '5000u' } };
    await told(manage(world(), owner, 'account.policy.put', policy));
    for (const _ of [1, 2, 3, 4]) await served(callWith(world(), agent, lookup));
    await expect.poll(() => received.length, eventually).toBe(1);
    const [alert] = received as [Received];
    expect(await isSigned(alert)).toBe(true);
    expect(JSON.parse(alert.body)).toMatchObject({
      type: 'alert.raised',
      data: { account: accountOf(agent.address), rule: 'soft_limit' },
    });
    const deliveries = async () =>
      (await told<Page>(manage(world(), owner, 'account.webhooks.deliveries', { params: named })))
        .items;
    await expect
      .poll(deliveries, eventually)
      .toMatchObject([
        { type: 'alert.raised', rule: 'soft_limit', outcome: 'delivered', status: 204, attempt: 1 },
      ]);
    const tried = await told(manage(world(), owner, 'account.webhooks.test', { params: named }));
    expect(tried).toMatchObject({ type: 'webhook.test', outcome: 'delivered' });
    expect(received).toHaveLength(2);

    const listed = await told<Page>(
      manage(world(), owner, 'account.webhooks.list', { params: about(owner) }),
    );
    expect(listed.items).toMatchObject([{ id: 'pager', state: 'active', etag, ...body() }]);
    // It is the owner's: the operator sees it, and none of its agents does.
    const read = (who: LocalAccount) =>
      manage(world(), who, 'account.webhooks.get', { params: named });
    expect((await read(operator)).headers.get('ETag')).toBe(`"${etag}"`);
    expect(kindOf(await refused(read(agent), 404))).toBe('unknown-account');
    const gone = { params: named, headers: { 'If-Match': `"${etag}"` } };
    await told(manage(world(), owner, 'account.webhooks.delete', gone));
    expect(kindOf(await refused(read(owner), 404))).toBe('unknown-document');
  });

  it('of an operator hears of everything', async () => {
    const params = { webhook: 'ops' };
    await told(manage(world(), operator, 'webhooks.put', { params, body: body() }));
    const tried = await told(manage(world(), operator, 'webhooks.test', { params }));
    expect(tried).toMatchObject({ outcome: 'delivered' });
    const inside = { ...body(), url: 'https://10.0.0.1/' };
    const problem = await refused(
      manage(world(), operator, 'webhooks.put', { params, body: inside }),
      400,
    );
    expect(problem.field).toBe('body.url');
    await told(manage(world(), operator, 'webhooks.delete', { params }));
  });
});
