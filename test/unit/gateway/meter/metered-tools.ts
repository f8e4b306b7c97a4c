import { createHash } from 'node:crypto';
import { readMeter } from '../../../../src/catalog/metered-price.ts';
import { parseTool } from '../../../../src/catalog/schema.ts';
import type { Tool } from '../../../../src/catalog/tool.ts';

/* Metered tools, and the scripts of their upstreams. */

export const MAXIMUM = 50_000n;
export const RATES = { input_tokens: '$0.15 per 1000000', output_tokens: '$0.60 per 1000000' };
/** 1,200 input tokens and 40 output tokens of `openaiStream`, atomic units. */
export const METERED = 204n;

/** A tool with this price, as a catalogue serves it. */
export const toolOf = (price: unknown, changes: object = {}): Tool => {
  const parsed = parseTool(
    {
      ...{ id: 'llm', method: 'POST', path: '/tools/llm', description: 'A model.' },
      ...{ settlement: 'credit', upstream: 'https://api.example/llm', streamSeconds: 60 },
      ...changes,
      price,
    },
    'public',
  );
  const read = parsed.ok ? readMeter(parsed.value) : parsed;
  if (!read.ok) throw new Error(JSON.stringify(read.error));
  return read.value;
};

export const meterOf = (changes: object = {}): object => ({
  max: '$0.05',
  meter: {
    ...{ usage: 'openai', rates: RATES, missing: 'max', readOn: { seconds: 5, bytes: 100_000 } },
    ...changes,
  },
});
export const LLM = toolOf(meterOf());
export const counted = (rates: object): Tool =>
  toolOf({ max: '$0.05', meter: { usage: { from: 'gateway' }, rates } });

export const EVENTS = { 'content-type': 'text/event-stream' };
export const utf8 = new TextEncoder();

/** The chunks of a body, and how it ends. */
export type Script = {
  readonly chunks: readonly (string | Uint8Array)[];
  readonly end?: 'closed' | 'broken' | 'silent';
};

export const bodyOf = ({ chunks, end = 'closed' }: Script) => {
  const rest = [...chunks];
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const chunk = rest.shift();
      if (chunk !== undefined) {
        controller.enqueue(typeof chunk === 'string' ? utf8.encode(chunk) : chunk);
      } else if (end === 'closed') controller.close();
      else if (end === 'broken') controller.error(new Error('connection lost'));
      else await new Promise(() => undefined);
    },
  });
};

export const digestOf = (text: string) => `0x${createHash('sha256').update(text).digest('hex')}`;
