import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AIMessage, type BaseMessage } from '@langchain/core/messages';
import { FakeListChatModel } from '@langchain/core/utils/testing';
import { RunnableLambda } from '@langchain/core/runnables';
import { type Model, setTracingDisabled, Usage } from '@openai/agents';
import { MockLanguageModelV4 } from 'ai/test';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { describe, expect, it } from 'vitest';
import { mint } from '../../dev/stack/chain-access.ts';
import { TOOLS_FILE } from '../../dev/stack/tools.ts';
import { answer as answerWithAiSdk } from '../../examples/frameworks/ai-sdk.ts';
import { answer as answerWithLangChain } from '../../examples/frameworks/langchain.ts';
import { answer as answerWithOpenAi } from '../../examples/frameworks/openai-agents.ts';
// The published package, as the examples import it: its errors are instances of one class.
import { createAgent } from 'countersign/client';
import { useWorld } from '../conformance/support/world.ts';

/** Writes the local stack's tools with a dot in the id of one, because model APIs allow no dots in tool names. */
const dottedTools = async (): Promise<string> => {
  const { tools } = JSON.parse(await readFile(TOOLS_FILE, 'utf8')) as { tools: { id: string }[] };
  const dotted = tools.map((tool) =>
    tool.id === 'lookup' ? { ...tool, id: 'words.lookup', path: '/tools/words.lookup' } : tool,
  );
  const file = join(await mkdtemp(join(tmpdir(), 'countersign-tools-')), 'tools.json');
  await writeFile(file, JSON.stringify({ tools: dotted }));
  return file;
};

/**
 * The frameworks, the client and the gateway are real. The model is a stub that calls one tool with fixed arguments and then repeats the
 * tool's answer.
 */
const world = useWorld({ toolsFile: await dottedTools() });
const PROMPT = 'What is a river?';
const CALLED = { name: 'words_lookup', input: { word: 'river' } };

const payingAgent = async (perCall = '$0.01') => {
  const account = privateKeyToAccount(generatePrivateKey());
  await mint(world().client, account.address, 1_000_000n);
  return createAgent({ account, spend: { perCall, total: '$0.10' } });
};

const endpoint = (): string => `${world().stack.description.gateway}/mcp`;

describe('agent.tools in an agent framework', () => {
  it('lets a model of the Vercel AI SDK call a paid tool, and read a refusal', async () => {
    const agent = await payingAgent();
    const usage = {
      inputTokens: { total: 1, noCache: 1, cacheRead: 0, cacheWrite: 0 },
      outputTokens: { total: 1, text: 1, reasoning: 0 },
    };
    const model = new MockLanguageModelV4({
      doGenerate: async ({ prompt }) => {
        const last = prompt.at(-1);
        return await Promise.resolve(
          last?.role === 'tool'
            ? {
                content: [{ type: 'text' as const, text: JSON.stringify(last.content) }],
                finishReason: { unified: 'stop' as const, raw: 'stop' },
                usage,
                warnings: [],
              }
            : {
                content: [
                  {
                    type: 'tool-call' as const,
                    toolCallId: 'call-1',
                    toolName: CALLED.name,
                    input: JSON.stringify(CALLED.input),
                  },
                ],
                finishReason: { unified: 'tool-calls' as const, raw: 'tool_calls' },
                usage,
                warnings: [],
              },
        );
      },
    });
    expect(await answerWithAiSdk(agent, endpoint(), model, PROMPT)).toContain('stream of water');
    expect(agent.spending().charged).toBe(1_000n);
    const said = await answerWithAiSdk(await payingAgent('$0.0001'), endpoint(), model, PROMPT);
    expect(said).toContain('raise spend.perCall');
  });

  it('lets a model of LangChain.js call a paid tool, and read a refusal', async () => {
    const agent = await payingAgent();
    const model = Object.assign(new FakeListChatModel({ responses: [] }), {
      bindTools: () =>
        RunnableLambda.from((messages: BaseMessage[]) => {
          const last = messages.at(-1);
          return last?.type === 'tool'
            ? new AIMessage(last.text)
            : new AIMessage({
                content: '',
                tool_calls: [{ id: 'call-1', name: CALLED.name, args: CALLED.input }],
              });
        }),
    }) as never;
    expect(await answerWithLangChain(agent, endpoint(), model, PROMPT)).toContain(
      'stream of water',
    );
    expect(agent.spending().charged).toBe(1_000n);
    const said = await answerWithLangChain(await payingAgent('$0.0001'), endpoint(), model, PROMPT);
    expect(said).toContain('raise spend.perCall');
  });

  it('lets a model of the OpenAI Agents SDK call a paid tool, and read a refusal', async () => {
    setTracingDisabled(true);
    const agent = await payingAgent();
    const model = {
      getResponse: async ({ input }: { readonly input: unknown }) => {
        const items = Array.isArray(input) ? (input as readonly Record<string, unknown>[]) : [];
        const result = items.find(({ type }) => type === 'function_call_result');
        return await Promise.resolve({
          usage: new Usage(),
          output:
            result === undefined
              ? [
                  {
                    type: 'function_call',
                    callId: 'call-1',
                    name: CALLED.name,
                    arguments: JSON.stringify(CALLED.input),
                    status: 'completed',
                  },
                ]
              : [
                  {
                    type: 'message',
                    role: 'assistant',
                    status: 'completed',
                    content: [{ type: 'output_text', text: JSON.stringify(result['output']) }],
                  },
                ],
        });
      },
    } as unknown as Model;
    expect(await answerWithOpenAi(agent, endpoint(), model, PROMPT)).toContain('stream of water');
    expect(agent.spending().charged).toBe(1_000n);
    const said = await answerWithOpenAi(await payingAgent('$0.0001'), endpoint(), model, PROMPT);
    expect(said).toContain('raise spend.perCall');
  });
});
