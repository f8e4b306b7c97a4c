import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { describe, expect, it, onTestFinished } from 'vitest';
import { useWorld } from '../conformance/support/world.ts';
import { COMMAND, documentIn, pipe } from './support/command.ts';
import { PASSWORD, useHome, withEnv } from './support/home.ts';
import { putStackFile } from './support/stack.ts';

const world = useWorld();
const home = useHome();

type Approvals = { readonly approvals: readonly { readonly call: string }[] };

type Host = {
  readonly as?: string;
  /** What the user answers in a form. Undefined: the host supports no forms. */
  readonly approves?: boolean;
};

const placed = async () =>
  withEnv(await putStackFile(world(), home()), { COUNTERSIGN_PASSWORD: PASSWORD });

/** Starts a host that supports only stdio, connected to the published command. */
const startHost = async (args: readonly string[], { approves, as = 'agent' }: Host = {}) => {
  const { gateway } = world().stack.description;
  const place = await placed();
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
    args: [COMMAND, 'mcp', `${gateway}/mcp`, '--as', as, ...args],
    env: { ...place.env },
    cwd: place.directory,
    stderr: 'pipe',
  });
  onTestFinished(async () => await client.close());
  await client.connect(transport);
  return { client, questions };
};

const run = async (...words: readonly string[]) => {
  const ran = await pipe(await placed(), words);
  expect(ran.code, ran.stderr).toBe(0);
  return ran;
};
const textOf = ({ content }: { readonly content: readonly object[] }): string =>
  content.map((block) => ('text' in block ? String(block.text) : '')).join('\n');

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

  it('lists its own tools, and says what a call cost and what is left', async () => {
    const { client } = await startHost([]);
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['call_again', 'spending']),
    );
    const { content } = await client.callTool(translate);
    expect(content.at(-1)).toMatchObject({
      text: expect.stringMatching(/^Charged \$0\.02\. .*This bridge may spend \$0\.98 more\.$/),
    });
    const { structuredContent } = await client.callTool({ name: 'spending', arguments: {} });
    expect(structuredContent).toMatchObject({
      bridge: { remaining: '$0.98', charged: '$0.02' },
      gateways: [{ account: expect.stringContaining('eip155:84532:0x') as string }],
    });
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

describe('a call that a person must approve', () => {
  const report = { name: 'report', arguments: { text: 'Approve this.' } };
  const callIn = (text: string): string => /\{"call":"(0x[0-9a-f]{64})"\}/.exec(text)?.[1] ?? '';
  /** Makes a call that must wait. Each test uses an agent of its own, so that its policy does not affect other tests of the stack. */
  const park = async (as: string, host: Awaited<ReturnType<typeof startHost>>) => {
    const waiting = textOf(await host.client.callTool(report));
    expect(waiting).toMatch(/report for \$0\.05 waits for a person\. Nothing was charged\./);
    expect(waiting).toContain('countersign approvals approve 0x');
    return { call: callIn(waiting), as };
  };

  it('runs once it is approved, while its request waits and reports progress', async () => {
    await run('policy', 'set', 'agent1', '--approve-above', '0.01', '--operator');
    const { client } = await startHost(['--wait', '60'], { as: 'agent1' });
    const progress: unknown[] = [];
    const result = client.callTool(report, { onprogress: (each) => progress.push(each.message) });
    await expect.poll(() => progress.length, { timeout: 30_000 }).toBeGreaterThan(0);
    expect(progress[0]).toBe('waiting for a person to approve report');
    const parked = async (): Promise<string | undefined> => {
      const { approvals } = documentIn(await run('approvals', 'list', '--json')) as Approvals;
      return approvals[0]?.call;
    };
    await expect.poll(parked, { timeout: 30_000, interval: 500 }).toBeDefined();
    await run('approvals', 'approve', 'agent1', (await parked()) ?? '', '--operator');
    expect(textOf(await result)).toContain('Charged $0.05.');
  });

  it('continues with call_again after the host stopped waiting, also in another bridge', async () => {
    await run('policy', 'set', 'agent2', '--approve-above', '0.01', '--operator');
    const first = await startHost(['--wait', '1'], { as: 'agent2' });
    const { call } = await park('agent2', first);
    const still = await first.client.callTool({ name: 'call_again', arguments: { call } });
    expect(textOf(still)).toContain('waits for a person');
    await first.client.close();

    const second = await startHost(['--wait', '30'], { as: 'agent2' });
    const listed = await second.client.callTool({ name: 'call_again', arguments: {} });
    expect(callIn(textOf(listed))).toBe(call);
    await run('approvals', 'approve', 'agent2', call, '--operator');
    const before = (await world().counts())['report'] ?? 0;
    const result = await second.client.callTool({ name: 'call_again', arguments: { call } });
    expect(result.isError).toBeUndefined();
    expect(textOf(result)).toContain('Charged $0.05. ');
    expect(textOf(result)).toContain('This bridge may spend $0.95 more.');
    expect((await world().counts())['report']).toBe(before + 1);
    const again = await second.client.callTool({ name: 'call_again', arguments: { call } });
    expect(textOf(again)).toContain('waits here');
  });

  it('is over once a person has refused it', async () => {
    await run('policy', 'set', 'agent3', '--approve-above', '0.01', '--operator');
    const host = await startHost(['--wait', '1'], { as: 'agent3' });
    const { call } = await park('agent3', host);
    await run('approvals', 'refuse', 'agent3', call, '--operator', '--reason', 'too dear');
    const again = async () =>
      await host.client.callTool({ name: 'call_again', arguments: { call } });
    let refused = await again();
    // The bridge waits for one second, but the gateway may need longer to answer.
    await expect
      .poll(async () => (refused.isError ? refused : (refused = await again())))
      .toMatchObject({ isError: true });
    expect(textOf(refused)).toContain('A person has refused the call');
    expect(textOf(await again())).toContain('No call');
  });
});

describe('an agent whose owner revokes it', () => {
  it('gets the reason why its tools are missing', async () => {
    await run('credits', 'top-up', '0.10', '--to', 'owner', '--as', 'agent4');
    await run('fleet', 'new', 'team', '--names', 'alice', '--per-day', '0.05', '--as', 'owner');
    const { client } = await startHost([], { as: 'team/alice' });
    expect(textOf(await client.callTool(translate))).toContain('Left at the gateway: ');
    await run('revoke', 'team/alice', '--as', 'owner');
    expect(textOf(await client.callTool(translate))).toContain('account is revoked');
    // A host that connects later lists no tools, because the gateway hides them from a revoked agent.
    const { client: later } = await startHost([], { as: 'team/alice' });
    const { tools } = await later.listTools();
    expect(tools.map(({ name }) => name)).toEqual(['call_again', 'spending']);
    const { content, isError } = await later.callTool(translate);
    expect(isError).toBe(true);
    expect(textOf({ content })).toMatch(/Unknown tool.* denies every call of this agent/);
    const { structuredContent } = await later.callTool({ name: 'spending', arguments: {} });
    expect(structuredContent).toMatchObject({ gateways: [{ stopped: {} }] });
  });
});
