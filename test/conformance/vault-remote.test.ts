import { randomBytes } from 'node:crypto';
import type { LocalAccount } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { people } from '../../dev/stack/people.ts';
import { toolPin } from '../../src/remote/definition.ts';
import { writtenForms } from '../../dev/written-forms.ts';
import { bind, bound } from './support/bound.ts';
import { accountOf } from './support/credit.ts';
import { expectProblem } from './support/expect-answer.ts';
import { lookUp } from './support/look-up.ts';
import { manage, okJson } from './support/manage.ts';
import { callRaw, endpointOf, payBound, receiptIn, refusalIn } from './support/mcp.ts';
import { ECHO, startHostileServer, WAYS } from './support/mcp-fixture/hostile-server.ts';
import { kindOf } from './support/offer.ts';
import { trustedAccount } from './support/payment.ts';
import { claimsOf } from './support/receipt.ts';
import { post, type ToolCall, useWorld } from './support/world.ts';

const world = useWorld({
  variables: {
    OPERATORS: people.operator.address,
    VAULT_KEY: randomBytes(32).toString('base64'),
  },
});
const operator = privateKeyToAccount(people.operator.privateKey);
const token = `mcp-${randomBytes(24).toString('base64')}`;
const server = await startHostileServer(token);
afterAll(async () => {
  await server.stop();
});

/** The encoded forms of the token that occur in a text. */
const found = (text: string): readonly string[] =>
  writtenForms(token)
    .map((form) => Buffer.from(form).toString('latin1'))
    .filter((form) => text.toLowerCase().includes(form.toLowerCase()));

const putTool = async (id: string, mcp: string, secret = 'bearer') => {
  const body = {
    ...{ id, method: 'POST', path: `/tools/${id}`, description: ECHO.description },
    ...{ inputSchema: ECHO.inputSchema, price: '$0.001', settlement: 'deferred' },
    upstream: { mcp, tool: ECHO.name, pin: toolPin(ECHO) },
    secrets: [{ in: 'header', name: 'authorization', prefix: 'Bearer ', secret }],
  };
  await okJson(manage(world(), operator, 'tools.put', { params: { tool: id }, body }));
};

let payer: LocalAccount;
const byHttp = async (of: ToolCall) =>
  await world().send(of, bound(await bind(world(), payer, of)));
const paidByMcp = async (name: string, how: string) => {
  const call = { name, arguments: { how } };
  const { extensions, ...payment } = await payBound(world(), payer, call);
  const { intent: _, ...sent } = { ...payment, ...(extensions && { extensions }) };
  return { call, meta: { 'x402/payment': sent } };
};

beforeAll(async () => {
  const blind = randomBytes(32).toString('base64url');
  const body = { kind: 'token', host: new URL(server.url).host, value: token, blind };
  await okJson(manage(world(), operator, 'secrets.put', { params: { secret: 'bearer' }, body }));
  await putTool('far.echo', `${server.url}/mcp`);
  await putTool('old.echo', `${server.url}/sessions`);
  await putTool('lost.echo', `${server.url}/mcp`, 'gone');
  await putTool('else.echo', `${server.url.replace('127.0.0.1', 'localhost')}/mcp`);
  // An isolate may take 5 s to see a new tool.
  await vi.waitFor(async () => {
    const { status } = await world().send(post('/tools/else.echo', { how: 'content' }));
    if (status !== 402) throw new Error(`the new tool answers ${status}`);
  }, 30_000);
  payer = await trustedAccount(world(), { reports: 3, balance: 1_000_000n });
});

describe.each(['far.echo', 'old.echo'])('%s, a remote tool whose server demands a token', (id) => {
  it.each(WAYS)('gets it, and cannot give it back by %s', async (how) => {
    const answer = await byHttp(post(`/tools/${id}`, { how }));
    const succeeds = how !== 'isError' && how !== 'error';
    expect(answer.status).toBe(succeeds ? 200 : 502);
    expect((await claimsOf(world(), answer))['charged']).toBe(succeeds ? '1000' : '0');
    const shown = `${JSON.stringify([...answer.headers])}${await answer.text()}`;
    expect(shown).toContain('[secret:bearer]');
    expect(found(shown)).toEqual([]);

    const { call, meta } = await paidByMcp(id, how);
    const { result } = await callRaw(world(), call, meta);
    expect(result?.isError ?? false).toBe(!succeeds);
    if (result !== undefined && succeeds)
      expect((await receiptIn(world(), result))['charged']).toBe('1000');
    expect(JSON.stringify(result)).toContain('[secret:bearer]');
    expect(found(JSON.stringify(result))).toEqual([]);
  });

  it('gets it with every request, and the caller sees its progress without it', async () => {
    const { call, meta } = await paidByMcp(id, 'progress');
    const params = { ...call, _meta: { ...meta, progressToken: 7 } };
    const answer = await fetch(endpointOf(world()), {
      method: 'POST',
      headers: {
        'Content-Type': 'application/json',
        Accept: 'application/json, text/event-stream',
      },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params }),
    });
    const text = await answer.text();
    expect(text).toContain('"message":"used [secret:bearer]"');
    expect(found(text)).toEqual([]);
  });
});

describe('the requests of a remote server that demands a token', () => {
  it('all carry it: those of a session, its end, and the listing of the pin watch', async () => {
    // The gateway ends a session and checks a pin only after it has answered the caller.
    const all = () =>
      new Set(server.seen.map(({ url, method, asked }) => `${method} ${url} ${asked}`.trim()));
    await expect
      .poll(all)
      .toEqual(
        new Set([
          'POST /mcp tools/call',
          'POST /mcp tools/list',
          'POST /sessions initialize',
          'POST /sessions notifications/initialized',
          'POST /sessions tools/call',
          'POST /sessions tools/list',
          'DELETE /sessions',
        ]),
      );
    expect(server.seen.filter(({ authorized }) => !authorized)).toEqual([]);
  });

  it.each(['lost.echo', 'else.echo'])(
    'are none for %s, whose secret is missing or bound to another host',
    async (id) => {
      const before = server.seen.length;
      const of = post(`/tools/${id}`, { how: 'content' });
      const payment = await bind(world(), payer, of);
      const answer = world().send(of, bound(payment));
      expect(kindOf(await expectProblem(answer, 503))).toBe('secret-unavailable');
      const { call, meta } = await paidByMcp(id, 'content');
      expect(refusalIn(await callRaw(world(), call, meta))).toBe('secret-unavailable');
      const payments = [payment, meta['x402/payment']];
      for (const { payload } of payments) {
        // The gateway reserved nothing, so it charged nothing.
        const { status } = await lookUp(world(), payer, payload.authorization.nonce);
        expect(status).toBe(404);
      }
      expect(server.seen.length).toBe(before);
    },
  );

  it('raise an alert when the token comes back', async () => {
    const returned = async () =>
      (await world().audit.entries(accountOf(world().payTo)))
        .filter(({ rule }) => rule === 'secret_returned')
        .map(({ outcome }) => ({ tool: outcome?.['tool'], secret: outcome?.['secret'] }));
    await expect
      .poll(returned, { timeout: 30_000 })
      .toEqual(
        expect.arrayContaining(
          ['far.echo', 'old.echo'].map((tool) => ({ tool, secret: 'bearer' })),
        ),
      );
  });
});
