import type { CallToolResult } from '@modelcontextprotocol/client';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { describe, expect, it } from 'vitest';
import { mint } from '../../dev/stack/chain-access.ts';
import { type Agent, createAgent, CountersignError } from '../../src/client/index.ts';
import { useSharedWorld } from '../conformance/support/world.ts';

const world = useSharedWorld();

/** Creates an agent with a new funded key. */
const funded = async (options: { readonly perCall?: string } = {}) => {
  const account = privateKeyToAccount(generatePrivateKey());
  await mint(world().client, account.address, 1_000_000n);
  const agent = createAgent({
    account,
    spend: { perCall: options.perCall ?? '$0.05', total: '$1' },
  });
  return { agent };
};

const endpoint = (): string => `${world().stack.description.gateway}/mcp`;

const translated = async (agent: Agent) => {
  const client = await agent.mcp(endpoint());
  return await client.callTool({
    name: 'translate',
    arguments: { to: 'fr', text: 'good morning' },
  });
};

type Report = Readonly<Record<string, unknown>> & {
  readonly receipt?: { readonly verified: boolean; readonly why?: string };
};

const reportOf = ({ _meta }: Pick<CallToolResult, '_meta'>): Report =>
  _meta?.['countersign/report'] as Report;

describe('agent.mcp', () => {
  it('finds a tool with its price, pays bound to the call, and verifies the receipt', async () => {
    const { agent } = await funded();
    const client = await agent.mcp(endpoint());
    const { tools } = await client.listTools();
    const tool = tools.find(({ name }) => name === 'translate');
    expect(tool?._meta?.['countersign/price']).toMatchObject({ amount: '20000' });
    const result = await translated(agent);
    expect(result.isError).toBeUndefined();
    expect(result.structuredContent).toMatchObject({ text: expect.any(String) });
    const report = reportOf(result);
    expect(report.receipt).toMatchObject({ verified: true, claims: { tool: 'translate' } });
    expect(report).toMatchObject({ paid: 'payment', binding: 'intent', charged: '20000' });
    expect(agent.spending().charged).toBe(20_000n);
  });

  it('rejects a call that costs more than its cap, and signs nothing', async () => {
    const { agent } = await funded({ perCall: '$0.01' });
    const failure = await translated(agent).catch((cause: unknown) => cause);
    expect(failure).toBeInstanceOf(CountersignError);
    expect(failure).toMatchObject({ code: 'over_per_call' });
    expect(agent.spending().signed).toBe(0n);
  });

  it('calls a free tool with an intent that spends nothing', async () => {
    const { agent } = await funded();
    const client = await agent.mcp(endpoint());
    const result = await client.callTool({ name: 'whoami', arguments: {} });
    expect(result.isError).toBeUndefined();
    expect(reportOf(result)).toMatchObject({ paid: 'none', charged: '0' });
  });

  it('reports the failure of a tool, which costs nothing', async () => {
    const { agent } = await funded();
    const client = await agent.mcp(endpoint());
    const result = await client.callTool({ name: 'flaky', arguments: { status: 500 } });
    expect(result.isError).toBe(true);
    expect(reportOf(result)).toMatchObject({ charged: '0', receipt: { verified: true } });
  });
});

describe('a call over MCP whose answer is lost', () => {
  it('is repeated with the same signature, runs once, and gets the stored answer', async () => {
    const account = privateKeyToAccount(generatePrivateKey());
    await mint(world().client, account.address, 1_000_000n);
    const proofs: (string | null)[] = [];
    const agent = createAgent({
      account,
      spend: { perCall: '$0.05', total: '$1' },
      fetch: async (url, init) => {
        const answer = await fetch(url, init);
        const proof = new Headers(init?.headers).get('payment-signature');
        if (proof !== null && proofs.push(proof) === 1) {
          await answer.arrayBuffer();
          throw new TypeError('the connection broke off');
        }
        return answer;
      },
    });
    const before = await world().counts();
    const result = await translated(agent);
    const after = await world().counts();
    expect(result.structuredContent).toMatchObject({ text: expect.any(String) });
    expect(reportOf(result)).toMatchObject({ attempts: 2, receipt: { verified: true } });
    expect(new Set(proofs).size).toBe(1);
    expect((after.translate ?? 0) - (before.translate ?? 0)).toBe(1);
    expect(agent.spending().charged).toBe(20_000n);
  });
});

describe('what an agent reads over MCP', () => {
  it('is signed, so that the gateway answers for this account, and signed once', async () => {
    const account = privateKeyToAccount(generatePrivateKey());
    const intents: (string | null)[] = [];
    const agent = createAgent({
      account,
      spend: { perCall: '$0.05', total: '$1' },
      fetch: async (url, init) => {
        const body = typeof init?.body === 'string' ? init.body : '';
        const isList = body.includes('tools/list');
        const bytes = init?.body instanceof Uint8Array ? new TextDecoder().decode(init.body) : '';
        if (isList || bytes.includes('tools/list')) {
          intents.push(new Headers(init?.headers).get('agent-intent'));
        }
        return await fetch(url, init);
      },
    });
    const client = await agent.mcp(endpoint());
    await client.listTools();
    await client.listTools({}, { cacheMode: 'refresh' });
    const [first, second] = intents;
    expect(first).toEqual(expect.any(String));
    expect(second).toBe(first);
    const { structuredContent } = await client.callTool({ name: 'spending', arguments: {} });
    expect(JSON.stringify(structuredContent)).toContain(account.address.toLowerCase());
  });
});

describe('agent.tools', () => {
  it('lists plain definitions, whose execute pays', async () => {
    const { agent } = await funded();
    const tools = await agent.tools(endpoint());
    const lookup = tools.find(({ name }) => name === 'lookup');
    expect(lookup).toMatchObject({ price: 1_000n, inputSchema: { type: 'object' } });
    const found = await lookup?.execute({ word: 'river' });
    expect(JSON.stringify(found)).toContain('stream of water');
    expect(agent.spending().charged).toBe(1_000n);
  });

  it('rejects with the reason of the tool that failed', async () => {
    const { agent } = await funded();
    const tools = await agent.tools(endpoint());
    const translate = tools.find(({ name }) => name === 'translate');
    await expect(translate?.execute({ text: 'a', to: 'xx' })).rejects.toMatchObject({
      code: 'tool_failed',
    });
  });
});
