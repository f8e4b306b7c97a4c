import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Config } from '../../../src/config/config.ts';
import { manage } from '../../../src/management/router.ts';
import { useVectorsClock } from '../../support/vectors-clock.ts';
import { freshDatabase } from '../audit/database.ts';
import {
  accountOf,
  type RequestParts,
  scriptedContext,
  signedRequest,
} from '../management/scripted-context.ts';
import { governed } from './scripted.ts';
import { addressOf, NETWORK, vectorConfig } from './signing.ts';

const OPERATOR = addressOf('owner');
const OWN = accountOf('agent');
const nodes = ['https://rpc.example', 'https://rpc2.example', 'https://rpc3.example'] as const;
const config: Config = {
  ...vectorConfig(),
  operators: [OPERATOR],
  rpcUrls: new Map([[NETWORK, nodes]]),
};

beforeAll(freshDatabase);
useVectorsClock();

const timeout = AbortSignal.timeout.bind(AbortSignal);
afterEach(() => void vi.restoreAllMocks());

/** Nodes that accept the connection and never answer, as a stopped process does. Time runs a hundred times as fast. */
const stoppedNodes = () => {
  const asked: string[] = [];
  const waited: number[] = [];
  vi.spyOn(AbortSignal, 'timeout').mockImplementation((ms) => {
    waited.push(ms);
    return timeout(Math.ceil(ms / 100));
  });
  vi.stubGlobal('fetch', (input: RequestInfo | URL, init?: RequestInit) => {
    asked.push(new URL(new Request(input).url).host);
    return new Promise((_, reject) => {
      init?.signal?.addEventListener('abort', () => reject(init.signal?.reason as Error));
    });
  });
  return { asked, waited };
};

const send = async (
  [id, path, parts]: readonly [Parameters<typeof signedRequest>[1], string, RequestParts?],
  context?: Awaited<ReturnType<typeof scriptedContext>>['context'],
) => {
  const script = await scriptedContext(config, {
    relation: async () => ({ verdict: 'found', relation: 'self', hasParent: false, exists: true }),
    apply: async () => governed(),
  });
  const request = await signedRequest(config, id, path, { who: 'agent', ...parts });
  const answer = await manage(context ?? script.context, request);
  const body = await answer.text();
  return { status: answer.status, body, context: script.context };
};

describe('while every node of the chain is silent (law 13)', () => {
  it.each([
    ['freezes', ['account.status', `/accounts/${OWN}/status`, { body: { status: 'frozen' } }]],
    ['pauses', ['account.status', `/accounts/${OWN}/status`, { body: { status: 'paused' } }]],
    ['revokes', ['account.status', `/accounts/${OWN}/status`, { body: { status: 'revoked' } }]],
    [
      'sets a policy',
      ['account.policy.put', `/accounts/${OWN}/policy`, { body: { tools: ['*'] } }],
    ],
    ['reads settlements', ['settlements.list', '/admin/settlements', { who: 'owner' }]],
    ['reads queues', ['queues', '/admin/queues', { who: 'owner' }]],
  ] as const)('a key %s, and no node is asked', async (_, request) => {
    const { asked } = stoppedNodes();
    const { status, body } = await send(request);
    expect([status, body]).toEqual([200, expect.any(String)]);
    expect(asked).toEqual([]);
  });

  it('what only a contract can confirm ends within five seconds, and says so', async () => {
    const { asked, waited } = stoppedNodes();
    const ofContract = { who: 'owner', fields: { agent: addressOf('agent') } } as const;
    const freeze = ['account.status', `/accounts/${OWN}/status`, ofContract] as const;
    const first = await send(freeze);
    expect(first.status).toBe(503);
    expect(JSON.parse(first.body)).toMatchObject({
      ...{ network: NETWORK, needs: 'signature' },
      detail: expect.stringContaining('No node of Base Sepolia') as string,
    });
    expect(waited.reduce((sum, ms) => sum + ms, 0)).toBeLessThanOrEqual(4_000);
    expect(asked).toEqual(['rpc.example', 'rpc2.example', 'rpc3.example']);
    // The second timeout counts as an outage: until the next attempt, requests that need the chain fail at once.
    await send(freeze, first.context);
    const third = await send(freeze, first.context);
    expect([third.status, asked.length]).toEqual([503, 6]);
  });
});

it('a contract that fails its own check in a way of its own does not make the chain silent', async () => {
  vi.stubGlobal('fetch', async (input: RequestInfo | URL, init?: RequestInit) => {
    const batch = await new Request(input, init).json<{ id: number; method: string }[]>();
    const answers = batch.map(({ id, method }) =>
      method === 'eth_call'
        ? { jsonrpc: '2.0', id, error: { code: -32_000, message: 'my own failure' } }
        : { jsonrpc: '2.0', id, result: method === 'eth_getCode' ? '0x60' : '0x1' },
    );
    return Response.json(answers);
  });
  const ofContract = { who: 'owner', fields: { agent: addressOf('agent') } } as const;
  const freeze = ['account.status', `/accounts/${OWN}/status`, ofContract] as const;
  const { context } = await send(freeze);
  for (const _ of [1, 2]) expect((await send(freeze, context)).status).toBe(503);
  expect(context.chainHealth.silentFor(NETWORK, Math.floor(Date.now() / 1_000))).toBeUndefined();
});
