import type { CallToolResult } from '@modelcontextprotocol/client';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { describe, expect, it } from 'vitest';
import { mint } from '../../dev/stack/chain-access.ts';
import { type Agent, createAgent, CountersignError } from '../../src/client/index.ts';
import { useWorld } from '../conformance/support/world.ts';

const world = useWorld();

/** An agent with a funded key of its own. */
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
    const result = await client.callTool({ name: 'translate', arguments: { text: 'a', to: 'xx' } });
    expect(result.isError).toBe(true);
    expect(reportOf(result)).toMatchObject({ charged: '0', receipt: { verified: true } });
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
