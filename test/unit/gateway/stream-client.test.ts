import { privateKeyToAccount } from 'viem/accounts';
import { afterEach, expect, it, vi } from 'vitest';
import { env } from 'cloudflare:workers';
import { readMeter } from '../../../src/catalog/metered-price.ts';
import { parseTool } from '../../../src/catalog/schema.ts';
import { createAgent } from '../../../src/client/index.ts';
import { openSigner } from '../../../src/crypto/signer.ts';
import { call } from '../../../src/gateway/call.ts';
import { useVectorsClock } from '../../support/vectors-clock.ts';
import { openaiStream } from './meter/provider-streams.ts';
import { KEY_ACCOUNT, network, scriptedGateway } from './scripted.ts';
import { NOW, vectorConfig } from './signing.ts';

useVectorsClock();
afterEach(() => {
  vi.useRealTimers();
});

const tool = () => {
  const meter = {
    ...{ usage: 'openai', missing: 'max', readOn: { seconds: 5, bytes: 100_000 } },
    rates: { input_tokens: '$0.15 per 1000000', output_tokens: '$0.60 per 1000000' },
  };
  const parsed = parseTool(
    {
      ...{ id: 'llm', method: 'POST', path: '/tools/llm', description: 'A model.' },
      ...{ settlement: 'credit', upstream: 'https://api.example/llm', streamSeconds: 60 },
      price: { max: '$0.05', meter },
    },
    'public',
  );
  const read = parsed.ok ? readMeter(parsed.value) : parsed;
  if (!read.ok) throw new Error(JSON.stringify(read.error));
  return read.value;
};

/** An agent whose requests go to the code of the gateway; the upstream streams this text, and breaks after it if `breaks` is given. */
const agentAt = async (text: string, breaks?: Error) => {
  const rest = [text];
  const upstream = () =>
    new ReadableStream<Uint8Array>({
      pull: (controller) => {
        const chunk = rest.shift();
        if (chunk !== undefined) controller.enqueue(new TextEncoder().encode(chunk));
        else if (breaks === undefined) controller.close();
        else controller.error(breaks);
      },
    });
  network(
    KEY_ACCOUNT,
    () => new Response(upstream(), { headers: { 'content-type': 'text/event-stream' } }),
  );
  const { gateway } = await scriptedGateway(vectorConfig([tool()]));
  const keys = await openSigner(env.RECEIPT_KEY);
  if (!keys.ok) throw new Error(keys.error.detail);
  const { jwks } = keys.value;
  return createAgent({
    account: privateKeyToAccount(`0x${'11'.repeat(32)}`),
    spend: { perCall: '$0.05', total: '$1' },
    now: () => NOW,
    fetch: async (input, init) => {
      const request = new Request(input as string, init as RequestInit);
      if (request.url.endsWith('/jwks.json')) return Response.json(jwks);
      return await call({ ...gateway, waitUntil: () => undefined }, request);
    },
  });
};

it('streams from the gateway to the client, which verifies the receipt of the last event', async () => {
  const agent = await agentAt(openaiStream());
  const answer = await agent.fetch('https://gw.example/tools/llm', { method: 'POST' });
  expect(agent.spending()).toMatchObject({ signed: 50_000n });
  expect(await answer.text()).toBe(openaiStream());
  expect(await answer.countersign.final).toMatchObject({
    charged: 204n,
    end: 'complete',
    usage: { input_tokens: 1_200, output_tokens: 40 },
    receipt: { verified: true },
  });
  expect(agent.spending()).toMatchObject({ signed: 204n, charged: 204n });
});

it('states the charge of a stream that breaks off between two events', async () => {
  const [first = ''] = openaiStream().split(/(?<=\n\n)/);
  const agent = await agentAt(first, new Error('connection lost'));
  const answer = await agent.fetch('https://gw.example/tools/llm', { method: 'POST' });
  await expect(answer.text()).rejects.toMatchObject({ code: 'answer_broken_off', charged: 0n });
});
