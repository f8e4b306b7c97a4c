import type { LocalAccount } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { people } from '../../dev/stack/people.ts';
import { accountOf, creditedAccount } from './support/credit.ts';
import { manage, type CommandAnswer, okJson, listAll } from './support/manage.ts';
import { kindOf } from './support/offer.ts';
import { bind, bound, callOf } from './support/bound.ts';
import { agentIntent, digestOf, signPaidIntent } from './support/intent.ts';
import { fundedAccount, trustedAccount } from './support/payment.ts';
import { lookup, type ToolCall, useWorld } from './support/world.ts';
import { expectProblem, expectOk } from './support/expect-answer.ts';

const world = useWorld();
const operator = privateKeyToAccount(people.operator.privateKey);
const MISSING = `0x${'00'.repeat(32)}`;

const about = ({ address }: { readonly address: string }) => ({ account: accountOf(address) });

const eventually = { timeout: 30_000, interval: 300 };

describe('a tool', () => {
  const tool = (id: string, more: object = {}) => ({
    ...{ id, method: 'GET', path: `/tools/${id}`, description: 'Says hello.', price: '$0.002' },
    ...{ settlement: 'deferred', upstream: '/whoami', ...more },
  });
  const put = (id: string, body: object, headers: Record<string, string> = {}) =>
    manage(world(), operator, 'tools.put', { params: { tool: id }, body, headers });
  const answers = async (id: string) => (await world().send({ path: `/tools/${id}` })).status;
  const soon = { timeout: 30_000, interval: 250 };

  it('is sold after its creation without a deploy, and no more after its removal', async () => {
    expect(await answers('hello')).toBe(404);
    const { etag } = await okJson<CommandAnswer>(put('hello', tool('hello')));
    await expect.poll(async () => await answers('hello'), soon).toBe(402);
    const params = { tool: 'hello' };
    const read = await manage(world(), operator, 'tools.get', { params });
    expect([read.headers.get('ETag'), await read.json()]).toEqual([`"${etag}"`, tool('hello')]);

    expect((await put('hello', tool('hello', { price: '$0.003' }))).status).toBe(428);
    const rehearsal = { 'Dry-Run': '?1', 'If-Match': `"${etag}"` };
    const rehearsed = await put('hello', tool('hello', { price: '$0.003' }), rehearsal);
    expect(await rehearsed.json()).toMatchObject({ changed: true, dry_run: true, etag });
    const stale = { 'Dry-Run': '?1', 'If-Match': `"${MISSING}"` };
    expect((await put('hello', tool('hello', { price: '$0.003' }), stale)).status).toBe(412);
    const match = { 'If-Match': `"${etag}"` };
    const both = await Promise.all([
      put('hello', tool('hello', { price: '$0.003' }), match),
      put('hello', tool('hello', { price: '$0.004' }), match),
    ]);
    expect(new Set(both.map(({ status }) => status))).toEqual(new Set([200, 412]));
    const disabled = tool('hello', { disabled: true });
    await okJson(put('hello', disabled, { 'If-Match': '*' }));
    await expect.poll(async () => await answers('hello'), soon).toBe(404);
    const listed = await listAll(world(), operator, 'tools.list', { query: { limit: 4 } });
    expect(listed.find(({ id }) => id === 'hello')).toMatchObject({
      ...{ source: 'stored', disabled: true, tool: disabled },
    });
    expect(listed.length).toBeGreaterThan(10);
    await okJson(
      manage(world(), operator, 'tools.delete', { params, headers: { 'If-Match': '*' } }),
    );
    expect((await manage(world(), operator, 'tools.get', { params })).status).toBe(404);
    expect((await manage(world(), operator, 'tools.delete', { params })).status).toBe(404);
  });

  it('of tools.json can be changed and removed', async () => {
    const params = { tool: 'stream' };
    const read = await manage(world(), operator, 'tools.get', { params });
    const known = read.headers.get('ETag') ?? '';
    const document = (await read.json()) as Record<string, unknown>;
    expect((await put('stream', { ...document, price: '$0.02' })).status).toBe(428);
    await okJson(put('stream', { ...document, price: '$0.02' }, { 'If-Match': known }));
    await expect
      .poll(async () => {
        const answer = await world().send({ path: '/tools/stream' });
        return JSON.stringify(await answer.json());
      }, soon)
      .toContain('20000');
    await okJson(
      manage(world(), operator, 'tools.delete', { params, headers: { 'If-Match': '*' } }),
    );
    await expect.poll(async () => await answers('stream'), soon).toBe(404);
  });

  it.each([
    ['an id that differs from its path', 'hello', tool('other'), ['body.id']],
    ['the path of another tool', 'mine', tool('mine', { path: '/tools/lookup' }), ['body.path']],
    ['a path of the gateway', 'mine', tool('mine', { path: '/admin/mine' }), ['body.path']],
    [
      'malformed fields',
      'mine',
      tool('mine', { price: '2 cents', more: 1 }),
      ['body.price', 'body.more'],
    ],
  ])('with %s is rejected, and every fault is named', async (_, id, document, fields) => {
    const problem = await expectProblem(put(id, document), 400);
    const faults = problem['faults'] as readonly { field: string }[];
    expect(faults.map(({ field }) => field).toSorted()).toEqual(fields.toSorted());
  });
});

describe('a payment', () => {
  it('can be followed from its call to its settlement', async () => {
    const payer = await trustedAccount(world(), { reports: 1, balance: 20_000n });
    const payment = await bind(world(), payer, lookup);
    await expectOk(world().send(lookup, bound(payment)));
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
    const listed = await listAll(world(), operator, 'settlements.list', { query });
    expect(listed.map(({ state, tool }) => [state, tool])).toEqual(
      expect.arrayContaining([
        ['settled', 'lookup'],
        ['settled', 'report'],
      ]),
    );
    const again = await expectProblem(
      manage(world(), operator, 'settlements.redrive', { params }),
      409,
    );
    expect(kindOf(again)).toBe('not-writable');
    const body = { reason: 'never came' };
    const off = manage(world(), operator, 'settlements.writeoff', { params, body });
    expect(kindOf(await expectProblem(off, 409))).toBe('not-writable');
    const nothing = { ...params, call: MISSING };
    const none = await expectProblem(
      manage(world(), operator, 'settlements.get', { params: nothing }),
      404,
    );
    expect(kindOf(none)).toBe('unknown-call');
    const depths = await okJson(manage(world(), operator, 'queues'));
    expect(depths).toMatchObject({ dead_letters: 0 });
  });
});

describe('an amount kept for a silent tool', () => {
  const bank: ToolCall = { path: '/tools/bank?hang=1' };
  const PRICE = '1000';

  beforeAll(async () => {
    const body = {
      ...{ id: 'bank', method: 'GET', path: '/tools/bank', description: 'Pays a bill.' },
      ...{ price: '$0.001', settlement: 'upfront', onSilence: 'keep', timeoutSeconds: 1 },
      upstream: '/flaky',
    };
    await okJson(manage(world(), operator, 'tools.put', { params: { tool: 'bank' }, body }));
    await vi.waitFor(
      async () => {
        const { status } = await world().send({ path: '/tools/bank' });
        if (status !== 402) throw new Error(`the tool is answered ${status}`);
      },
      { timeout: 30_000, interval: 250 },
    );
  });

  const creditOf = async (account: string) => {
    const params = { account };
    const standing = await okJson<{
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
    'of %s is held, is listed, and is resolved once (charge %s)',
    async (of, charge, before, after, state) => {
      let payer: LocalAccount;
      let call: string;
      let answer: Response;
      if (of === 'credit') {
        payer = await creditedAccount(world(), { credit: 2_000n, balance: 0n });
        const signed = await signPaidIntent(world(), payer, bank);
        call = digestOf(signed.intent);
        answer = await world().send(bank, agentIntent(signed));
      } else {
        payer = await fundedAccount(world(), 1_000n);
        const payment = await bind(world(), payer, bank);
        call = callOf(payment);
        answer = await world().send(bank, bound(payment));
      }
      expect(await expectProblem(answer, 504)).toMatchObject({ money: 'held' });
      const { account } = about(payer);
      expect(await creditOf(account)).toEqual(before);

      const query = { state: 'kept', account };
      const listed = async () => await listAll(world(), operator, 'settlements.list', { query });
      await expect
        .poll(listed, eventually)
        .toMatchObject([{ account, call, state: 'kept', tool: 'bank', amount: PRICE }]);
      const params = { account, call };
      const body = { charge, reason: 'asked the bank' };
      const resolve = () => manage(world(), operator, 'settlements.resolve', { params, body });
      for (const bad of [{ charge }, { ...body, charge: 'yes' }, { ...body, more: 1 }]) {
        const wrong = manage(world(), operator, 'settlements.resolve', { params, body: bad });
        await expectProblem(wrong, 400);
      }
      expect(await okJson<CommandAnswer>(resolve())).toMatchObject({ changed: true });
      expect(await creditOf(account)).toEqual(after);
      const again = await expectProblem(resolve(), 409);
      expect(kindOf(again)).toBe('not-writable');
      expect(again['hint']).toContain(charge ? 'charged' : 'released');

      const kept = charge ? 'charged' : 'released';
      await expect
        .poll(
          async () => await okJson(manage(world(), operator, 'settlements.get', { params })),
          eventually,
        )
        .toMatchObject({
          settlement: { state, amount: PRICE },
          call: { state: 'abandoned', kept, charged: charge ? PRICE : '0' },
        });
      const story = await okJson<{ readonly entries: readonly { readonly type: string }[] }>(
        manage(world(), operator, 'settlements.get', { params }),
      );
      expect(story.entries.at(-1)).toMatchObject({
        ...{ type: 'call.resolved', decision: kept, outcome: { reason: 'asked the bank' } },
      });
      expect(await listed()).toEqual([]);
      const spent = await okJson<{ readonly items: readonly object[] }>(
        manage(world(), operator, 'account.spend', { params: { account }, query: { by: 'tool' } }),
      );
      expect(spent.items.filter((item) => 'key' in item && item.key === 'bank')).toMatchObject([
        { calls: 1, failed: 1, charged: charge ? PRICE : '0' },
      ]);
    },
  );
});
