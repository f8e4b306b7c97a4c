import { describe, expect, it } from 'vitest';
import type { AgentOptions } from '../../../src/client/index.ts';
import { encodeBase64, sha256Hex, utf8 } from '../../../src/crypto/bytes.ts';
import { parseAgentIntent } from '../../../src/protocol/intent/agent-intent.ts';
import { requestDigest } from '../../../src/protocol/intent/binding.ts';
import {
  agentOf,
  BASE_SEPOLIA,
  challenged,
  claimsFor,
  dropped,
  entry,
  GATEWAY,
  HASH,
  NOW,
  offer,
  problem,
  receiptOf,
  scripted,
  URL_OF_TOOL,
  USDC,
  type Arrived,
  type Step,
  callOf,
  rejectionOf,
  serve,
} from './server.ts';

const record = async (
  arrived: Arrived | undefined,
  more: Readonly<Record<string, unknown>> = {},
) => {
  const url = new URL(arrived?.url ?? '');
  return {
    call: callOf(arrived),
    tool: 'translate',
    request: await requestDigest({
      audience: GATEWAY,
      tool: 'translate',
      method: arrived?.method ?? '',
      target: url.pathname + url.search,
      contentType: '',
      payloadDigest: sha256Hex(utf8('')),
    }),
    binding: 'intent',
    state: 'committed',
    asset: USDC,
    price: '20000',
    charged: '20000',
    paid_from: 'payment',
    payment: 'settled',
    transaction: HASH,
    accepted_at: NOW,
    entry: HASH,
    policy: HASH,
    answer: {
      status: 201,
      headers: { 'content-type': 'text/plain', 'x-tool': 'yes' },
      body: encodeBase64(utf8('bonjour')),
    },
    ...more,
  };
};

describe('already used', () => {
  it('on a repeat causes one look-up as the payer, and returns the stored answer', async () => {
    const server = scripted(
      () => offer(),
      dropped,
      () => problem(409, 'already-used'),
      async () => {
        const first = server.arrived[1];
        if (first === undefined) throw new Error('no payment');
        const claims = await claimsFor(first, callOf(first), 'bonjour', { status: 201 });
        return Response.json(await record(first), {
          headers: { 'Agent-Receipt': await receiptOf(claims) },
        });
      },
    );
    const answer = await agentOf(server).fetch(URL_OF_TOOL);
    expect([answer.status, answer.headers.get('x-tool'), await answer.text()]).toEqual([
      201,
      'yes',
      'bonjour',
    ]);
    expect(answer.countersign).toMatchObject({
      charged: 20_000n,
      transaction: HASH,
      attempts: 2,
      receipt: { verified: true },
    });
    const asked = server.arrived[3];
    expect(asked?.url).toBe(`${GATEWAY}/calls/${callOf(server.arrived[1])}`);
    const signed = parseAgentIntent(asked?.headers.get('Agent-Intent') ?? '');
    if (!signed.ok) throw new Error(JSON.stringify(signed.error));
    expect(signed.value.intent).toMatchObject({ tool: 'countersign.calls', maxAmount: 0n });
  });

  it.each([
    ['another request', { request: HASH }],
    ['no answer', { answer: null }],
    ['another call', { call: HASH }],
  ])('stays the answer where the record has %s', async (_, more) => {
    const server = scripted(
      () => offer(),
      dropped,
      () => problem(409, 'already-used'),
      async () => Response.json(await record(server.arrived[1], more)),
    );
    const answer = await agentOf(server).fetch(URL_OF_TOOL);
    expect(answer.countersign).toMatchObject({ charged: 0n, problem: { title: 'already-used' } });
  });

  it('causes no look-up without repeats, or at a server without intents', async () => {
    const at: Step = () => problem(409, 'already-used');
    const once = scripted(() => offer(), at);
    expect((await agentOf(once, { retries: 0 }).fetch(URL_OF_TOOL)).status).toBe(409);
    const plain = scripted(() => offer([entry()], {}), dropped, at);
    expect((await agentOf(plain).fetch(URL_OF_TOOL)).status).toBe(409);
  });
});

describe('look', () => {
  const calls = (): Response => challenged(', realm="a, AgentIntent b"');
  const looked = async (more: Partial<AgentOptions>, ...steps: readonly Step[]) => {
    const server = scripted(calls, ...steps);
    return { server, answer: await rejectionOf(agentOf(server, more).look(GATEWAY, HASH)) };
  };

  it('signs as the payer of the call, by the challenge', async () => {
    const server = scripted(
      () => offer(),
      serve,
      calls,
      async () => Response.json(await record(server.arrived[1])),
    );
    const agent = agentOf(server);
    const { countersign } = await agent.fetch(URL_OF_TOOL);
    const found = await agent.look(`${GATEWAY}/any`, countersign.call ?? '');
    expect(found).toMatchObject({
      charged: 20_000n,
      price: 20_000n,
      paidFrom: 'payment',
      answer: { status: 201 },
    });
  });

  it('tries every chain of the challenge, then throws unknown_call', async () => {
    const unknown: Step = () => problem(404, 'unknown-call');
    const { server, answer } = await looked({}, unknown, unknown);
    expect(answer).toMatchObject({ code: 'unknown_call', call: HASH });
    const chains = server.arrived.slice(1).map((each) => {
      const signed = parseAgentIntent(each.headers.get('Agent-Intent') ?? '');
      return signed.ok ? signed.value.chainId : 0;
    });
    expect(chains).toEqual([84532, 8453]);
    expect(BASE_SEPOLIA).toBe('eip155:84532');
  });

  it('rejects an answer that is not a record', async () => {
    const { answer } = await looked({}, () => Response.json({ call: HASH }));
    expect(answer).toMatchObject({ code: 'look_failed' });
  });

  it('signs for no other audience', async () => {
    const server = scripted(() =>
      problem(
        401,
        'intent-required',
        {},
        {
          'WWW-Authenticate': `AgentIntent audience="https://o.example", chains="eip155:1", tool="x"`,
        },
      ),
    );
    expect(await rejectionOf(agentOf(server).look(GATEWAY, HASH))).toMatchObject({
      code: 'audience_mismatch',
    });
  });
});
