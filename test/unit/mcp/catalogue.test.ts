import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Tool } from '../../../src/catalog/tool.ts';
import { sha256Hex } from '../../../src/crypto/bytes.ts';
import type { Rights, RightsVerdict } from '../../../src/protocol/account/rights.ts';
import type { AgentIntent } from '../../../src/protocol/intent/agent-intent.ts';
import { useVectorsClock } from '../../support/vectors-clock.ts';
import { toolOf } from '../gateway/fixture.ts';
import { KEY_ACCOUNT, network, scriptedGateway } from '../gateway/scripted.ts';
import {
  addressOf,
  intentFor,
  NOW,
  paymentOf,
  search,
  signIntent,
  translate,
  vectorConfig,
} from '../gateway/signing.ts';
import { callOf, intentOf, ORIGIN, problemIn, send, sendModern, wire } from './fixture.ts';

useVectorsClock();
afterEach(() => vi.unstubAllGlobals());

const card = toolOf({ id: 'pay.card', method: 'POST', path: '/tools/card', price: 1_000n });
const config = vectorConfig([translate, search, card]);

const rights = (changes: Partial<Rights> = {}): RightsVerdict => ({
  verdict: 'found',
  rights: {
    account: `eip155:84532:${addressOf('agent')}`,
    asset: `eip155:84532/erc20:0x${'03'.repeat(20)}`,
    policies: [{ tools: ['translate', 'pay.*'] }, { tools: ['translate'] }],
    limits: [],
    credit: '0',
    debt: '0',
    ...changes,
  },
});

/** An intent for a request that only reads, in the form of `_meta`. */
const reading = async (tool: string, method: string, fields: Partial<AgentIntent> = {}) => ({
  'countersign/intent': wire(
    await signIntent(
      intentFor(
        {
          audience: ORIGIN,
          tool,
          method,
          target: '/mcp',
          contentType: '',
          payloadDigest: sha256Hex(new Uint8Array(0)),
        },
        fields,
      ),
    ),
  ),
});

const listing = () => reading('countersign.tools', 'tools/list');

const gatewayWith = async (changes: Partial<Rights> = {}, tools?: readonly Tool[]) => {
  network(KEY_ACCOUNT);
  return await scriptedGateway(tools === undefined ? config : vectorConfig(tools), {
    rights: async () => rights(changes),
  });
};

const namesIn = (result: unknown): string[] =>
  (result as { tools: { name: string }[] }).tools.map(({ name }) => name);

describe('tools/list', () => {
  it('shows a stranger the public catalogue, and asks no account', async () => {
    const { gateway, asked } = await gatewayWith();
    const { result } = await send(gateway, 'tools/list');
    expect(namesIn(result)).toEqual(['pay.card', 'search.web', 'translate']);
    expect(asked).toEqual([]);
  });

  it('shows an agent what every policy of its chain allows, for one question to its account', async () => {
    const { gateway, asked } = await gatewayWith();
    const { result } = await send(gateway, 'tools/list', { _meta: await listing() });
    expect(namesIn(result)).toEqual(['translate']);
    expect(asked).toMatchObject([{ asked: 'rights', question: { audience: ORIGIN } }]);
    expect(asked).toHaveLength(1);
  });

  it('states what is left of the limit that allows the fewest calls of each tool', async () => {
    const limit = { spent: '0', held: '0' };
    const { gateway } = await gatewayWith({
      policies: [],
      perCall: '15000',
      limits: [
        { ...limit, rule: 'window:day', limit: '90000', remaining: '41000', resetsAt: NOW + 60 },
        { ...limit, rule: 'lifetime', limit: '900000', remaining: '500000' },
        { ...limit, rule: 'rate', limit: '60', remaining: '30', window: 60 },
      ],
    });
    const { result } = await send(gateway, 'tools/list', { _meta: await listing() });
    const metas = (result as unknown as { tools: { _meta: Record<string, unknown> }[] }).tools.map(
      ({ _meta }) => _meta['countersign/remaining'],
    );
    expect(metas).toEqual([
      { rule: 'rate', calls: 30, remaining: '30' },
      { rule: 'rate', calls: 30, remaining: '30' },
      { rule: 'per_call', calls: 0, remaining: '15000' },
    ]);
    const { gateway: generous } = await gatewayWith({
      policies: [],
      limits: [
        { ...limit, rule: 'window:day', limit: '90000', remaining: '41000', resetsAt: NOW + 60 },
      ],
    });
    const listed = await send(generous, 'tools/list', { _meta: await listing() });
    expect(listed.result).toMatchObject({
      tools: [
        { name: 'pay.card', _meta: { 'countersign/remaining': { calls: 41 } } },
        { name: 'search.web' },
        {
          name: 'translate',
          _meta: {
            'countersign/remaining': {
              rule: 'window:day',
              calls: 2,
              remaining: '41000',
              resets_at: NOW + 60,
            },
          },
        },
      ],
    });
  });

  it('names the grant of the intent to the account', async () => {
    const authority = `0x${'9a'.repeat(32)}` as const;
    const { gateway, asked } = await gatewayWith();
    const _meta = await reading('countersign.tools', 'tools/list', { authority });
    await send(gateway, 'tools/list', { _meta });
    expect(asked).toMatchObject([{ question: { authority } }]);
  });

  it('accepts one intent again until it expires', async () => {
    const { gateway } = await gatewayWith();
    const _meta = await listing();
    for (let at = 0; at < 3; at += 1) {
      expect(namesIn((await send(gateway, 'tools/list', { _meta })).result)).toEqual(['translate']);
    }
    vi.setSystemTime((NOW + 301) * 1_000);
    expect((await send(gateway, 'tools/list', { _meta })).error?.data).toMatchObject({
      type: 'urn:countersign:problem:expired',
    });
  });

  it.each([
    ['for another tool', 'countersign.tools.search', 'tools/list', {}],
    ['for another method', 'countersign.tools', 'tools/call', {}],
    ['for another audience', 'countersign.tools', 'tools/list', { audience: 'https://x.example' }],
  ])('refuses an intent %s, and shows nothing', async (_, tool, method, fields) => {
    const { gateway, asked } = await gatewayWith();
    const { error } = await send(gateway, 'tools/list', {
      _meta: await reading(tool, method, fields),
    });
    expect(error).toMatchObject({
      code: -32602,
      data: { type: 'urn:countersign:problem:intent-mismatch' },
    });
    expect(asked).toEqual([]);
  });

  it('shows the public catalogue to a client that sends the proof of a call with every request', async () => {
    const { gateway, asked } = await gatewayWith();
    for (const _meta of [
      { 'x402/payment': await paymentOf() },
      { 'countersign/intent': wire(await intentOf('translate', {})) },
    ]) {
      const { result } = await send(gateway, 'tools/list', { _meta });
      expect(namesIn(result)).toEqual(['pay.card', 'search.web', 'translate']);
    }
    expect(asked).toEqual([]);
  });

  it.each([
    ['revoked', []],
    ['expired', []],
    ['authority', []],
    ['frozen', ['translate']],
    ['paused', ['translate']],
    ['not_yet', ['translate']],
  ] as const)('of an account that is stopped by %s', async (rule, names) => {
    const account = `eip155:84532:${addressOf('owner')}` as const;
    const { gateway } = await gatewayWith({ stopped: { rule, account } });
    const { result } = await send(gateway, 'tools/list', { _meta: await listing() });
    expect(namesIn(result)).toEqual(names);
  });

  it('fails if the account does not answer', async () => {
    network(KEY_ACCOUNT);
    const { gateway } = await scriptedGateway(config);
    const { error } = await send(gateway, 'tools/list', { _meta: await listing() });
    expect(error).toMatchObject({
      code: -32603,
      data: { type: 'urn:countersign:problem:storage-unavailable' },
    });
  });
});

const META = ['search_tools', 'describe_tool', 'call_tool', 'spending'];
const many = (count: number): readonly Tool[] =>
  Array.from({ length: count }, (_, at) =>
    toolOf({ id: `tool.${at}`, method: 'POST', path: `/tools/${at}`, price: 1_000n }),
  );

describe('a large catalogue', () => {
  it('is listed whole up to 40 tools, and as the tools that search it above', async () => {
    const { gateway } = await gatewayWith({}, many(40));
    expect(namesIn((await send(gateway, 'tools/list')).result)).toHaveLength(40);
    const { gateway: larger } = await gatewayWith({}, many(41));
    expect(namesIn((await send(larger, 'tools/list')).result)).toEqual(META);
  });

  it('is listed whole for an agent that sees few of its tools', async () => {
    const { gateway } = await gatewayWith({ policies: [{ tools: ['tool.7'] }] }, many(50));
    const { result } = await send(gateway, 'tools/list', { _meta: await listing() });
    expect(namesIn(result)).toEqual(['tool.7']);
  });

  it.each([
    ['list', 50, 50],
    ['search', 2, 4],
  ] as const)('is listed as MCP_TOOLS=%s says', async (mcpTools, tools, listed) => {
    network(KEY_ACCOUNT);
    const { gateway } = await scriptedGateway({ ...vectorConfig(many(tools)), mcpTools });
    expect(namesIn((await send(gateway, 'tools/list')).result)).toHaveLength(listed);
  });
});

const structured = (answer: Awaited<ReturnType<typeof send>>) => {
  expect(answer.result?.isError ?? false).toBe(false);
  const { structuredContent, content = [] } = answer.result ?? {};
  expect(JSON.parse(content[0]?.text ?? '')).toEqual(structuredContent);
  return structuredContent;
};

describe('search_tools', () => {
  it('finds public tools without a signature, and an agent’s own with one', async () => {
    const { gateway } = await gatewayWith();
    const query = { query: 'pay translate web' };
    const found = structured(await send(gateway, 'tools/call', callOf(query, {}, 'search_tools')));
    expect(found).toMatchObject({ matches: 3 });
    const meta = await reading('countersign.tools.search', 'tools/call');
    const own = structured(await send(gateway, 'tools/call', callOf(query, meta, 'search_tools')));
    expect(own).toEqual({
      matches: 1,
      tools: [{ name: 'translate', description: expect.stringContaining('($0.02 a call)') }],
    });
  });

  it('answers any query with one intent, at most 20 tools', async () => {
    const { gateway } = await gatewayWith({ policies: [] }, many(60));
    const meta = await reading('countersign.tools.search', 'tools/call');
    for (const [limit, length] of [
      [undefined, 10],
      [20, 20],
      [1, 1],
    ]) {
      const given = { query: 'tool', ...(limit === undefined ? {} : { limit }) };
      const answer = await send(gateway, 'tools/call', callOf(given, meta, 'search_tools'));
      const found = structured(answer);
      expect(found).toMatchObject({ matches: 60 });
      expect(found?.['tools']).toHaveLength(length ?? 0);
    }
  });

  it.each([
    ['no query', {}, 'arguments.query'],
    ['a long query', { query: 'x'.repeat(401) }, 'arguments.query'],
    ['a limit of 21', { query: 'x', limit: 21 }, 'arguments.limit'],
    ['another member', { query: 'x', page: 1 }, 'arguments.page'],
  ])('refuses %s', async (_, given, field) => {
    const { gateway } = await gatewayWith();
    const answer = await send(gateway, 'tools/call', callOf(given, {}, 'search_tools'));
    expect(problemIn(answer, 'malformed-request')).toMatchObject({ field });
  });
});

describe('describe_tool', () => {
  it('returns the entry of the list', async () => {
    const { gateway } = await gatewayWith();
    const meta = await reading('countersign.tools.describe', 'tools/call');
    const described = structured(
      await send(gateway, 'tools/call', callOf({ name: 'translate' }, meta, 'describe_tool')),
    );
    const { result } = await send(gateway, 'tools/list', { _meta: await listing() });
    expect([described?.['tool']]).toEqual(result?.['tools']);
  });
});

describe('spending', () => {
  it('explains to a stranger what to sign', async () => {
    const { gateway, asked } = await gatewayWith();
    const answer = await send(gateway, 'tools/call', callOf({}, {}, 'spending'));
    expect(problemIn(answer, 'intent-required')).toMatchObject({
      tool: 'countersign.spending',
      intent: { method: 'tools/call', target: '/mcp', contentType: '' },
    });
    expect(asked).toEqual([]);
  });

  it('returns what limits and credit leave, and why the account is stopped', async () => {
    const account = `eip155:84532:${addressOf('owner')}` as const;
    const { gateway } = await gatewayWith({
      stopped: { rule: 'not_yet', account, retryAfter: 7 },
      perCall: '50000',
      credit: '12',
      limits: [
        { rule: 'window:day', limit: '9', spent: '1', held: '2', remaining: '6', resetsAt: NOW },
      ],
    });
    const meta = await reading('countersign.spending', 'tools/call');
    const answer = await send(gateway, 'tools/call', callOf({}, meta, 'spending'));
    expect(structured(answer)).toEqual({
      account: `eip155:84532:${addressOf('agent')}`,
      asset: `eip155:84532/erc20:0x${'03'.repeat(20)}`,
      stopped: { rule: 'not_yet', account, retry_after: 7 },
      per_call: '50000',
      limits: [
        { rule: 'window:day', limit: '9', spent: '1', held: '2', remaining: '6', resets_at: NOW },
      ],
      credit: '12',
      debt: '0',
    });
  });
});

describe('the gateway’s own tools', () => {
  it('read while the gateway is paused, and calls of any name are refused alike', async () => {
    network(KEY_ACCOUNT);
    const { gateway } = await scriptedGateway({ ...config, paused: true });
    const found = await send(
      gateway,
      'tools/call',
      callOf({ query: 'translate' }, {}, 'search_tools'),
    );
    expect(structured(found)).toMatchObject({ matches: 1 });
    const inner = { name: 'translate', arguments: {} };
    for (const params of [callOf({}), callOf({}, {}, 'nothing'), callOf(inner, {}, 'call_tool')]) {
      problemIn(await send(gateway, 'tools/call', params), 'paused');
    }
  });

  it('answer a client of revision 2026-07-28 too', async () => {
    const { gateway } = await gatewayWith();
    const answer = await sendModern(
      gateway,
      'tools/call',
      callOf({ query: 'translate' }, {}, 'search_tools'),
    );
    expect(answer.result).toMatchObject({ structuredContent: { matches: 1 } });
  });
});
