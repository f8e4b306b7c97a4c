// The AI SDK with a wallet in place of an API key. The README beside this file says how to run it.
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { streamText } from 'ai';
import { createAgent } from 'countersign/client';
import { privateKeyToAccount } from 'viem/accounts';

const gateway = process.argv[2] ?? 'http://127.0.0.1:8787';
const account = privateKeyToAccount(process.env['AGENT_KEY'] as `0x${string}`);
const agent = createAgent({ account, spend: { perCall: '$0.05', total: '$1' } });
const shop = createOpenAICompatible({
  ...{ name: 'shop', baseURL: `${gateway}/v1`, fetch: agent.fetch },
});

const { textStream } = streamText({ model: shop('small'), prompt: 'What does a call cost?' });
for await (const text of textStream) process.stdout.write(text);
console.log(`\nThe answer cost $${Number(agent.spending().charged) / 1e6}.`);
