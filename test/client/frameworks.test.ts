import { AIMessage, type BaseMessage } from '@langchain/core/messages';
import { FakeListChatModel } from '@langchain/core/utils/testing';
import { RunnableLambda } from '@langchain/core/runnables';
import { type Model, setTracingDisabled, Usage } from '@openai/agents';
import { MockLanguageModelV4 } from 'ai/test';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { describe, expect, it } from 'vitest';
import { mint } from '../../dev/stack/chain-access.ts';
import { answer as answerWithAiSdk } from '../../examples/frameworks/ai-sdk.ts';
import { answer as answerWithLangChain } from '../../examples/frameworks/langchain.ts';
import { answer as answerWithOpenAi } from '../../examples/frameworks/openai-agents.ts';
import { createAgent } from '../../src/client/index.ts';
import { useWorld } from '../conformance/support/world.ts';

/**
 * The frameworks, the client and the gateway are real. The model is a stub that calls one tool with fixed arguments, then repeats what the
 * tool answered.
 */
const world = useWorld();
const PROMPT = 'What is a river?';
const CALLED = { name: 'lookup', input: { word: 'river' } };

const payingAgent = async () => {
  const account = privateKeyToAccount(generatePrivateKey());
  await mint(world().client, account.address, 1_000_000n);
  return createAgent({ account, spend: { perCall: '$0.01', total: '$0.10' } });
};

const endpoint = (): string => `${world().stack.description.gateway}/mcp`;

describe('agent.tools in an agent framework', () => {
  it('lets a model of the Vercel AI SDK call a paid tool', async () => {
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
  });

  it('lets a model of LangChain.js call a paid tool', async () => {
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
  });

  it('lets a model of the OpenAI Agents SDK call a paid tool', async () => {
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
  });
});
