import OpenAI from 'openai';
import { expect, it } from 'vitest';
import type { AgentResponse } from '../../../src/client/index.ts';
import {
  agentOf,
  type Arrived,
  callOf,
  claimsFor,
  GATEWAY,
  offer,
  receiptOf,
  rejectionOf,
  scripted,
} from './server.ts';

const chunkOf = (content: string): string =>
  `data: ${JSON.stringify({ id: '1', object: 'chat.completion.chunk', choices: [{ index: 0, delta: { content } }] })}\n\n`;
const TEXT = `${chunkOf('bon')}${chunkOf('jour')}data: [DONE]\n\n`;
const QUESTION = {
  model: 'small',
  stream: true,
  messages: [{ role: 'user', content: 'hi' }],
} as const;

const receiptFor = async (arrived: Arrived): Promise<string> =>
  await receiptOf(
    await claimsFor(arrived, callOf(arrived), TEXT, {
      ...{ charged: '300', usage: { output_tokens: 2 }, end: 'complete' },
    }),
  );

/** A body whose chunks arrive one by one. */
const bodyOf = (chunks: readonly string[], broken?: Error) => {
  const rest = [...chunks];
  return new ReadableStream<Uint8Array>({
    pull: (controller) => {
      const chunk = rest.shift();
      if (chunk !== undefined) controller.enqueue(new TextEncoder().encode(chunk));
      else if (broken === undefined) controller.close();
      else controller.error(broken);
    },
  });
};

const clientOf = (body: (arrived: Arrived) => Promise<BodyInit>) => {
  const server = scripted(
    () => offer(),
    async (arrived) =>
      new Response(await body(arrived), { headers: { 'content-type': 'text/event-stream' } }),
  );
  const agent = agentOf(server);
  const openai = new OpenAI({
    ...{ baseURL: GATEWAY, apiKey: 'none', fetch: agent.fetch, maxRetries: 2 },
    dangerouslyAllowBrowser: true,
  });
  return { server, agent, openai };
};

it('streams to the official `openai` client, whose loop ends when the charge is known', async () => {
  const { agent, openai } = clientOf(async (arrived) => {
    const event = `event: countersign-receipt\ndata: ${await receiptFor(arrived)}\n\n`;
    return bodyOf([TEXT, event.slice(0, 50), event.slice(50)]);
  });
  const { data, response } = await openai.chat.completions
    .create({ ...QUESTION, messages: [...QUESTION.messages] })
    .withResponse();
  let text = '';
  for await (const chunk of data) text += chunk.choices[0]?.delta.content ?? '';
  expect(text).toBe('bonjour');
  expect(agent.spending().charged).toBe(300n);
  expect(await (response as AgentResponse).countersign.final).toMatchObject({
    charged: 300n,
    usage: { output_tokens: 2 },
  });
});

it('gives the official `openai` client the error of a broken stream, which it does not repeat', async () => {
  const { server, openai } = clientOf(async () => {
    const body = bodyOf([chunkOf('bon')], new TypeError('terminated'));
    return await Promise.resolve(body);
  });
  const stream = await openai.chat.completions.create({
    ...QUESTION,
    messages: [...QUESTION.messages],
  });
  let text = '';
  const read = async (): Promise<void> => {
    for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? '';
  };
  expect(await rejectionOf(read())).toMatchObject({ code: 'answer_broken_off' });
  expect(text).toBe('bon');
  expect(server.arrived).toHaveLength(2);
});
