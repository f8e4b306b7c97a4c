// An agent in ten lines. Run `npm run build` once, keep `npm start` running, then:
//   AGENT_KEY=$(npx node -p "require('./.dev/stack.json').agent.privateKey") npx node examples/agent.ts
import { createAgent } from 'countersign/client';
import { privateKeyToAccount } from 'viem/accounts';

const account = privateKeyToAccount(process.env['AGENT_KEY'] as `0x${string}`);
const agent = createAgent({ account, spend: { perCall: '$0.01', total: '$1' } });

const url = process.argv[2] ?? 'http://127.0.0.1:8787/tools/lookup?word=river';
const answer = await agent.fetch(url);
const { charged, receipt } = answer.countersign;

console.log(answer.status, await answer.text());
console.log(`charged $${Number(charged) / 1e6}, receipt verified: ${receipt?.verified ?? false}`);
