// A stand-in for a model provider: it answers POST /v1/chat/completions in the wire format of OpenAI, whole and streamed, and counts a
// token for each word. The README beside this file says how to run it.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';

const PORT = Number(process.argv[2] ?? 9200);
const ANSWER = 'A wallet signs this call, and the call costs what it used.';
const WORD_MS = 30;

type Completion = {
  readonly model: string;
  readonly messages: readonly { readonly content: string }[];
  readonly stream?: boolean;
  readonly stream_options?: { readonly include_usage?: boolean };
};

const wordsOf = (content: string): readonly string[] => content.match(/\S+\s*/g) ?? [];

const complete = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
  const { model, messages, stream, stream_options } = JSON.parse(await text(request)) as Completion;
  const words = wordsOf(ANSWER);
  const prompted = messages.flatMap(({ content }) => wordsOf(content)).length;
  const usage = {
    prompt_tokens: prompted,
    completion_tokens: words.length,
    total_tokens: prompted + words.length,
  };
  const common = { id: 'chatcmpl-1', created: Math.floor(Date.now() / 1_000), model };
  if (stream !== true) {
    const message = { role: 'assistant', content: ANSWER };
    const choices = [{ index: 0, message, finish_reason: 'stop' }];
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ ...common, object: 'chat.completion', choices, usage }));
    return;
  }
  response.setHeader('content-type', 'text/event-stream');
  const reportsUsage = stream_options?.include_usage === true;
  const send = (choices: readonly object[], used: object | null): void => {
    const chunk = { ...common, object: 'chat.completion.chunk', choices };
    response.write(`data: ${JSON.stringify(reportsUsage ? { ...chunk, usage: used } : chunk)}\n\n`);
  };
  for (const content of words) {
    send([{ index: 0, delta: { role: 'assistant', content }, finish_reason: null }], null);
    await new Promise((written) => setTimeout(written, WORD_MS));
  }
  send([{ index: 0, delta: {}, finish_reason: 'stop' }], null);
  if (reportsUsage) send([], usage);
  response.end('data: [DONE]\n\n');
};

createServer((request, response) => void complete(request, response)).listen(PORT, '127.0.0.1');
