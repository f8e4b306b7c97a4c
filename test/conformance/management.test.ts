import type { LocalAccount } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { beforeAll, describe, expect, it } from 'vitest';
import { people } from '../../dev/stack/people.ts';
import { verifyLog } from '../support/verify-log.ts';
import { formatDollars } from '../../src/protocol/amount.ts';
import { STORED_WITHIN } from '../../src/management/as-of.ts';
import { accountOf, creditedAccount } from './support/credit.ts';
import { callWith, grantedAgent } from './support/grant.ts';
import { manage, type CommandAnswer, type Page, okJson, listAll } from './support/manage.ts';
import { kindOf, readProblem } from './support/offer.ts';
import { newAccount, nowSeconds } from './support/payment.ts';
import { lookup, type ToolCall, translate, useSharedWorld } from './support/world.ts';
import { expectProblem, expectOk } from './support/expect-answer.ts';
import { useReceiver, type Received, isGenuine } from './support/webhook-receiver.ts';

const world = useSharedWorld();
const operator = privateKeyToAccount(people.operator.privateKey);

let owner: LocalAccount;
beforeAll(async () => {
  owner = await creditedAccount(world(), { credit: 2_000_000n, balance: 1_000n });
});

const about = ({ address }: { readonly address: string }) => ({ account: accountOf(address) });

const eventually = { timeout: 30_000, interval: 300 };

describe('an operator', () => {
  it('labels an account that does not exist yet, and finds it by its label', async () => {
    const { address } = newAccount();
    const params = about({ address });
    expect(
      kindOf(await expectProblem(manage(world(), operator, 'account.get', { params }), 404)),
    ).toBe('unknown-account');
    const label = `customer ${address.slice(2, 8)}`;
    const named = await manage(world(), operator, 'accounts.put', { params, body: { label } });
    const labelled = (await named.clone().json()) as CommandAnswer;
    expect([named.status, labelled.changed]).toEqual([200, true]);
    expect(named.headers.get('ETag')).toBe(`"${labelled.etag}"`);
    const standing = await okJson(manage(world(), operator, 'account.get', { params }));
    expect(standing).toMatchObject({
      ...{ account: params.account, label, status: 'active', operator_status: 'active' },
      ...{ owner_status: 'active', etags: { label: labelled.etag } },
    });
    const listed = async () => {
      const query = { label };
      return (await okJson<Page>(manage(world(), operator, 'accounts.list', { query }))).items;
    };
    await expect
      .poll(listed, eventually)
      .toMatchObject([{ account: params.account, label, status: 'active' }]);
  });

  it("freezes an account against its owner's status, and unfreezes it", async () => {
    const { agent } = await grantedAgent(world(), owner);
    const params = about(agent);
    await expectOk(callWith(world(), agent, lookup));
    const status = (to: string) =>
      okJson<CommandAnswer>(
        manage(world(), operator, 'accounts.status', { params, body: { status: to } }),
      );
    expect(await status('frozen')).toMatchObject({ changed: true });
    expect((await expectProblem(callWith(world(), agent, lookup), 403))['rule']).toBe('frozen');
    // The owner and the operator each set a status. An account is active only if both are.
    const body = { status: 'active' };
    await okJson(manage(world(), owner, 'account.status', { params, body }));
    expect((await expectProblem(callWith(world(), agent, lookup), 403))['rule']).toBe('frozen');
    expect(await okJson(manage(world(), owner, 'account.get', { params }))).toMatchObject({
      ...{ status: 'frozen', operator_status: 'frozen', owner_status: 'active' },
    });
    expect(await status('active')).toMatchObject({ changed: true });
    await expectOk(callWith(world(), agent, lookup));
  });

  it('adjusts credit, but takes no more than the account has', async () => {
    const account = await creditedAccount(world(), { credit: 100_000n, balance: 0n });
    const params = about(account);
    const asset = `eip155:84532/erc20:${world().stack.description.usdc.toLowerCase()}`;
    const adjust = (amount: string) =>
      manage(world(), operator, 'credits.adjust', {
        ...{ params, body: { asset, amount, reason: 'goodwill, ticket 7' } },
      });
    expect(await okJson(adjust('50000'))).toEqual({
      ...{ ...params, asset, amount: '50000', credit: '150000' },
    });
    expect(await okJson(adjust('-149000'))).toMatchObject({ credit: '1000' });
    expect(await expectProblem(adjust('-1001'), 409)).toMatchObject({ credit: '1000' });
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

  it('has each command executed once, even if it is repeated', async () => {
    const params = about(newAccount());
    const call = { params, body: { label: 'once' } };
    const nonce = `0x${'5a'.repeat(32)}` as const;
    const [validAfter, validBefore] = [BigInt(nowSeconds() - 5), BigInt(nowSeconds() + 60)];
    const fields = { nonce, validAfter, validBefore };
    const send = () => manage(world(), operator, 'accounts.put', { ...call, fields });
    await okJson(send());
    expect(kindOf(await expectProblem(send(), 409))).toBe('already-used');
    // A read request may be repeated.
    const read = () => manage(world(), operator, 'account.get', { params, fields });
    await okJson(read());
    await okJson(read());
  });
});

describe('concurrent changes of one document', () => {
  it('never lose a change: the second writer gets 412 and the current version', async () => {
    const { agent } = await grantedAgent(world(), owner);
    const params = about(agent);
    const put = (perCall: string, headers: Record<string, string> = {}) =>
      manage(world(), owner, 'account.policy.put', { params, body: { perCall }, headers });
    const missing = await expectProblem(
      manage(world(), owner, 'account.policy.get', { params }),
      404,
    );
    expect(kindOf(missing)).toBe('unknown-document');
    const { etag: first } = await okJson<CommandAnswer>(put('$0.05', { 'If-None-Match': '*' }));
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
    const { etag: second } = (await won.clone().json()) as CommandAnswer;
    expect(late.headers.get('ETag')).toBe(`"${second}"`);
    expect(await readProblem(late)).toMatchObject({ current: second });
    await okJson(put('$0.09', { 'If-Match': `"${second}"` }));
    expect((await put('$0.10', { 'If-None-Match': '*' })).status).toBe(412);

    const remove = (headers: Record<string, string>) =>
      manage(world(), owner, 'account.policy.delete', { params, headers });
    expect((await remove(match)).status).toBe(412);
    await okJson(remove({ 'If-Match': '*' }));
    expect((await manage(world(), owner, 'account.policy.get', { params })).status).toBe(404);
  });
});

describe('a policy that denies running calls', () => {
  it('reports how many it would have denied, and lets them end', async () => {
    const { agent } = await grantedAgent(world(), owner);
    const params = about(agent);
    const hang: ToolCall = { path: '/tools/flaky?hang=1' };
    const running = [1, 2, 3].map(async () => await callWith(world(), agent, hang));
    const put = (headers: Record<string, string>, tools: readonly string[]) =>
      okJson<CommandAnswer>(
        manage(world(), owner, 'account.policy.put', { params, body: { tools }, headers }),
      );
    const dry = () => put({ 'Dry-Run': '?1' }, ['lookup']);
    await expect
      .poll(async () => (await dry()).in_flight, { timeout: 30_000, interval: 100 })
      .toEqual({ held: 3, cut_off: 3 });
    expect(await put({ 'Dry-Run': '?1' }, ['flaky'])).toMatchObject({
      ...{ in_flight: { held: 3, cut_off: 0 }, dry_run: true },
    });
    // The dry run has changed nothing.
    expect((await manage(world(), owner, 'account.policy.get', { params })).status).toBe(404);
    const done = await put({}, ['lookup']);
    expect(done).toMatchObject({ changed: true, in_flight: { held: 3, cut_off: 3 } });
    expect(await Promise.all(running.map(async (each) => (await each).status))).toEqual([
      504, 504, 504,
    ]);
    expect((await expectProblem(callWith(world(), agent, hang), 403))['rule']).toBe('tool');
  });
});

describe('an owner', () => {
  it("sees its agents, their calls and their spend, and no one else's", async () => {
    const fleet = [await grantedAgent(world(), owner), await grantedAgent(world(), owner)];
    for (const { agent } of fleet) await expectOk(callWith(world(), agent, lookup));
    const [one] = fleet as [(typeof fleet)[number]];
    await expectOk(callWith(world(), one.agent, translate));

    const children = await listAll(world(), owner, 'account.tree', {
      ...{ params: about(owner), query: { limit: 2 } },
    });
    expect(children).toEqual(
      expect.arrayContaining(
        fleet.map(({ agent, grant }) =>
          expect.objectContaining({
            ...{ ...about(agent), grant: grant.hash, status: 'active' },
            policy: expect.objectContaining({ lifetime: formatDollars(grant.maxTotal) }),
          }),
        ),
      ),
    );
    const params = about(one.agent);
    const calls = async () =>
      await listAll<{ call: string; tool: string }>(world(), owner, 'account.calls', {
        ...{ params, query: { limit: 1 } },
      });
    // The gateway orders calls of one second by id, so the test does not expect an order.
    const byTool = async () =>
      Object.fromEntries((await calls()).map((call) => [call.tool, call] as const));
    await expect.poll(byTool, eventually).toEqual({
      translate: expect.objectContaining({ ...params, state: 'committed', charged: '20000' }),
      lookup: expect.objectContaining({ ...params, state: 'committed', charged: '1000' }),
    });
    const { translate: last } = await byTool();
    const call = String(last?.['call']);
    const found = await okJson<{ call: object; entries: { first: number; last: number } }>(
      manage(world(), one.agent, 'account.call', { params: { ...params, call } }),
    );
    expect(found.call).toEqual(last);
    const { first, last: newest } = found.entries;
    const log = await listAll<{ seq: number; call?: string }>(
      world(),
      one.agent,
      'account.entries',
      { params },
    );
    const seqs = log.filter((entry) => entry.call === call).map(({ seq }) => seq);
    expect(seqs[0]).toBe(first);
    expect(seqs).toContain(newest);

    const spend = async (reader: LocalAccount, of: LocalAccount, by: string) => {
      const request = { params: about(of), query: { by } };
      const { items } = await okJson<Page>(manage(world(), reader, 'account.spend', request));
      return Object.fromEntries(items.map((item) => [item['key'], item['charged']]));
    };
    await expect
      .poll(async () => await spend(owner, one.agent, 'tool'), eventually)
      .toEqual({ lookup: '1000', translate: '20000' });
    expect(await spend(owner, owner, 'account')).toMatchObject({
      [accountOf(one.agent.address)]: '21000',
    });
    const all = await okJson<Page>(manage(world(), operator, 'spend', { query: { by: 'tool' } }));
    expect(all.items.map(({ key }) => key)).toContain('translate');

    const stranger = newAccount();
    for (const reader of [stranger, fleet[1]?.agent as LocalAccount]) {
      const problem = await expectProblem(
        manage(world(), reader, 'account.calls', { params }),
        404,
      );
      expect(kindOf(problem)).toBe('unknown-account');
    }
  });

  it("exports its agent's log for anyone to verify, and its calls as CSV", async () => {
    const { agent } = await grantedAgent(world(), owner);
    const params = about(agent);
    for (const _ of [1, 2, 3]) await expectOk(callWith(world(), agent, lookup));
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

  it('says how old its list of calls is, and never that a missing call is in it', async () => {
    const { agent } = await grantedAgent(world(), owner);
    const params = about(agent);
    const began = nowSeconds();
    await expectOk(callWith(world(), agent, lookup));
    type Dated = Page<{ readonly accepted_at: number }> & { readonly as_of: number };
    const list = async () =>
      await okJson<Dated>(manage(world(), owner, 'account.calls', { params }));
    const pages: Dated[] = [];
    await expect
      .poll(async () => {
        pages.push(await list());
        return pages.at(-1)?.items.length;
      }, eventually)
      .toBe(1);
    const accepted = pages.at(-1)?.items[0]?.accepted_at ?? 0;
    expect(accepted).toBeGreaterThanOrEqual(began);
    for (const { items, as_of } of pages)
      if (items.length === 0) expect(as_of).toBeLessThanOrEqual(accepted);
    await expect.poll(async () => (await list()).as_of, eventually).toBeGreaterThan(accepted);
    const all = await okJson<Dated>(manage(world(), operator, 'calls.list', {}));
    expect(nowSeconds() - all.as_of).toBeGreaterThanOrEqual(STORED_WITHIN);
    const csv = await manage(world(), owner, 'account.calls', { params, query: { format: 'csv' } });
    expect(Number(csv.headers.get('As-Of'))).toBeGreaterThan(accepted);
  });

  it('follows the events of an agent as they happen', async () => {
    const { agent } = await grantedAgent(world(), owner);
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
    await expectOk(callWith(world(), agent, lookup));
    await until(/^event: call\.finished$/m);
    await reader.cancel();
    const ids = [...text.matchAll(/^id: ([0-9]+)$/gm)].map(([, id]) => Number(id));
    expect(ids).toEqual(ids.map((_, at) => at + 1));
  });
});

describe('a webhook', () => {
  const receiver = useReceiver();
  const { received } = receiver;

  const body = () => ({
    url: `${receiver.url()}/alerts`,
    events: ['soft_limit'],
    description: 'pager',
  });

  it('alerts an owner when its agent approaches a limit', async () => {
    const { agent } = await grantedAgent(world(), owner);
    const named = { ...about(owner), webhook: 'pager' };
    const put = (more: object = {}) =>
      manage(world(), owner, 'account.webhooks.put', { params: named, body: body(), ...more });
    const { etag } = await okJson<CommandAnswer>(put());
    expect(await okJson(put())).toMatchObject({ changed: false, etag });

    const policy = { params: about(agent), body: { lifetime: '5000u' } };
    await okJson(manage(world(), owner, 'account.policy.put', policy));
    for (const _ of [1, 2, 3, 4]) await expectOk(callWith(world(), agent, lookup));
    await expect.poll(() => received.length, eventually).toBe(1);
    const [alert] = received as [Received];
    expect(await isGenuine(world(), alert)).toBe(true);
    expect(JSON.parse(alert.body)).toMatchObject({
      type: 'alert.raised',
      data: { account: accountOf(agent.address), rule: 'soft_limit' },
    });
    const deliveries = async () =>
      (await okJson<Page>(manage(world(), owner, 'account.webhooks.deliveries', { params: named })))
        .items;
    await expect
      .poll(deliveries, eventually)
      .toMatchObject([
        { type: 'alert.raised', rule: 'soft_limit', outcome: 'delivered', status: 204, attempt: 1 },
      ]);
    const tried = await okJson(manage(world(), owner, 'account.webhooks.test', { params: named }));
    expect(tried).toMatchObject({ type: 'webhook.test', outcome: 'delivered' });
    expect(received).toHaveLength(2);

    const listed = await okJson<Page>(
      manage(world(), owner, 'account.webhooks.list', { params: about(owner) }),
    );
    expect(listed.items).toMatchObject([{ id: 'pager', state: 'active', etag, ...body() }]);
    // The operator may read the owner's webhook; the owner's agents may not.
    const read = (reader: LocalAccount) =>
      manage(world(), reader, 'account.webhooks.get', { params: named });
    expect((await read(operator)).headers.get('ETag')).toBe(`"${etag}"`);
    expect(kindOf(await expectProblem(read(agent), 404))).toBe('unknown-account');
    const gone = { params: named, headers: { 'If-Match': `"${etag}"` } };
    await okJson(manage(world(), owner, 'account.webhooks.delete', gone));
    expect(kindOf(await expectProblem(read(owner), 404))).toBe('unknown-document');
  });

  it('of an operator receives messages, and internal addresses are rejected', async () => {
    const params = { webhook: 'ops' };
    await okJson(manage(world(), operator, 'webhooks.put', { params, body: body() }));
    const tried = await okJson(manage(world(), operator, 'webhooks.test', { params }));
    expect(tried).toMatchObject({ outcome: 'delivered' });
    const inside = { ...body(), url: 'https://10.0.0.1/' };
    const problem = await expectProblem(
      manage(world(), operator, 'webhooks.put', { params, body: inside }),
      400,
    );
    expect(problem.field).toBe('body.url');
    await okJson(manage(world(), operator, 'webhooks.delete', { params }));
  });
});
