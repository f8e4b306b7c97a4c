// The official `openai` client with a wallet in place of OPENAI_API_KEY. The README beside this file says how to run it.
import { createAgent } from 'countersign/client';
import OpenAI from 'openai';
import { privateKeyToAccount } from 'viem/accounts';

const gateway = process.argv[2] ?? 'http://127.0.0.1:8787';
const account = privateKeyToAccount(process.env['AGENT_KEY'] as `0x${string}`);
const agent = createAgent({ account, spend: { perCall: '$0.05', total: '$1' } });
const openai = new OpenAI({ baseURL: `${gateway}/v1`, apiKey: 'none', fetch: agent.fetch });

const answer = await openai.chat.completions.create({
  ...{ model: 'small', stream: true },
  messages: [{ role: 'user', content: 'What does a call cost?' }],
});
for await (const chunk of answer) process.stdout.write(chunk.choices[0]?.delta.content ?? '');
console.log(`\nThe answer cost $${Number(agent.spending().charged) / 1e6}.`);
