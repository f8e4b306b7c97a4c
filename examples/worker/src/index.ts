// A Worker that pays: `GET /?word=river` buys the answer of the tool `lookup`. See wrangler.toml for how to run it.
import { type Agent, CountersignError, createAgent } from 'countersign/client';
import { privateKeyToAccount } from 'viem/accounts';

type Bindings = {
  readonly AGENT_KEY: `0x${string}`;
  readonly GATEWAY: string;
};

/** One agent per isolate: its caps apply to all calls of the isolate, and it remembers its credit. */
let agent: Agent | undefined;

const agentOf = (key: Bindings['AGENT_KEY']): Agent =>
  (agent ??= createAgent({
    account: privateKeyToAccount(key),
    spend: { perCall: '$0.01', total: '$1' },
  }));

export default {
  async fetch(request: Request, { AGENT_KEY, GATEWAY }: Bindings): Promise<Response> {
    const word = new URL(request.url).searchParams.get('word');
    if (word === null) return new Response('Ask for a word: /?word=river\n', { status: 400 });
    const tool = new URL('/tools/lookup', GATEWAY);
    tool.searchParams.set('word', word);
    try {
      const answer = await agentOf(AGENT_KEY).fetch(tool);
      const { charged, receipt } = answer.countersign;
      const paid = { charged: charged.toString(), receipt: receipt?.verified ?? false };
      return Response.json({ paid, answer: await answer.json() }, { status: answer.status });
    } catch (error) {
      if (!(error instanceof CountersignError)) throw error;
      const { code, message, hint } = error;
      return Response.json({ code, message, hint }, { status: 502 });
    }
  },
};
