import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { describe, expect, it, onTestFinished } from 'vitest';
import { useWorld } from '../conformance/support/world.ts';
import { COMMAND } from './support/command.ts';
import { useHome } from './support/home.ts';
import { putStackFile } from './support/stack.ts';

const world = useWorld();
const home = useHome();

type Host = {
  /** What the person answers in a form; absent: the host has no forms. */
  readonly approves?: boolean;
};

/** A host that speaks only stdio, connected to the published command. */
const startHost = async (args: readonly string[], { approves }: Host = {}) => {
  const { gateway } = world().stack.description;
  const place = await putStackFile(world(), home());
  const questions: string[] = [];
  const client = new Client(
    { name: 'host', version: '1.0.0' },
    { capabilities: approves === undefined ? {} : { elicitation: {} } },
  );
  if (approves !== undefined) {
    client.setRequestHandler('elicitation/create', async ({ params }) => {
      questions.push(params.message);
      return await Promise.resolve(
        approves ? { action: 'accept', content: {} } : { action: 'decline' },
      );
    });
  }
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [COMMAND, 'mcp', `${gateway}/mcp`, '--as', 'agent', ...args],
    env: { ...place.env },
    cwd: place.directory,
    stderr: 'pipe',
  });
  onTestFinished(async () => await client.close());
  await client.connect(transport);
  return { client, questions };
};

const translate = { name: 'translate', arguments: { text: 'good morning', to: 'fr' } };

describe('countersign mcp', () => {
  it('serves the tools of a gateway over stdio, and pays for a call', async () => {
    const { client } = await startHost([]);
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toContain('translate');
    const result = await client.callTool(translate);
    expect(result).toMatchObject({ structuredContent: { text: expect.any(String) as string } });
    expect(result._meta?.['countersign/report']).toMatchObject({ charged: '20000' });
  });

  it('refuses a call above its cap, and says which option raises it', async () => {
    const { client } = await startHost(['--max', '0.01']);
    const result = await client.callTool(translate);
    expect(result).toMatchObject({ isError: true });
    expect(JSON.stringify(result.content)).toContain('--max');
  });

  it('asks the person before it pays more than the threshold', async () => {
    const { client, questions } = await startHost(['--approve-above', '0.01'], { approves: true });
    const result = await client.callTool(translate);
    expect(result.isError).toBeUndefined();
    expect(questions).toEqual([expect.stringContaining('$0.02')]);
  });

  it.each([
    ['the person declines', { approves: false }],
    ['the host cannot ask', {}],
  ])('pays nothing if %s', async (_, host) => {
    const { client } = await startHost(['--approve-above', '0.01'], host);
    const result = await client.callTool(translate);
    expect(result).toMatchObject({ isError: true });
    expect(JSON.stringify(result.content)).toContain('--approve-above');
  });
});
