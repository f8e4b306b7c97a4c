/**
 * How a stand-in for a model provider answers. `whole`: JSON. All others are streams: `complete`; `breaks` and `hangs` after `events`;
 * `overuses`: reports more than any maximum pays for; `absurd`: reports a negative number; `unreported`: ends without usage.
 */
const MODEL_MODES = [
  'whole',
  'complete',
  'breaks',
  'hangs',
  'overuses',
  'absurd',
  'unreported',
] as const;
export type ModelMode = (typeof MODEL_MODES)[number];

/** The answer of a stand-in model. */
export type ModelScript = {
  readonly mode: ModelMode;
  /** Chunks with text. */
  readonly events: number;
  /** `completion_tokens` of its usage, in the modes that report an honest one. */
  readonly tokens: number;
};

/** `completion_tokens` of `overuses`: not absurd, but more than any maximum pays for. */
const OVERUSE = 900_000_000;

const common = { id: 'chatcmpl-1', created: 1_764_000_000, model: 'stand-in' };

const usageOf = ({ mode, events, tokens }: ModelScript) => {
  if (mode === 'unreported') return undefined;
  const completion = mode === 'overuses' ? OVERUSE : mode === 'absurd' ? -1 : tokens;
  return {
    ...{ prompt_tokens: 0, completion_tokens: completion, total_tokens: completion },
    completion_tokens_details: { reasoning_tokens: Math.max(0, completion - events) },
  };
};

/** The events of a stream that ends, in the wire format of OpenAI. `breaks` and `hangs` send only the first `events` of them. */
const eventsOf = (script: ModelScript): readonly string[] => {
  const chunk = (choices: readonly object[], usage: object | null): string =>
    `data: ${JSON.stringify({ ...common, object: 'chat.completion.chunk', choices, usage })}\n\n`;
  const delta = { role: 'assistant', content: 'word ' };
  const usage = usageOf(script);
  return [
    ...Array.from({ length: script.events }, () =>
      chunk([{ index: 0, delta, finish_reason: null }], null),
    ),
    chunk([{ index: 0, delta: {}, finish_reason: 'stop' }], null),
    ...(usage === undefined ? [] : [chunk([], usage)]),
    'data: [DONE]\n\n',
  ];
};

/** How many events a caller gets of a stream. */
export const eventCountOf = (script: ModelScript): number =>
  script.mode === 'breaks' || script.mode === 'hangs' ? script.events : eventsOf(script).length;

/** Answers by the script. `beforeLast` delays what follows the chunks with text. */
export const answerAsModel = (
  script: ModelScript,
  beforeLast: () => Promise<void> = async () => undefined,
): Response => {
  const { mode, events } = script;
  if (mode === 'whole') {
    const message = { role: 'assistant', content: 'word '.repeat(events) };
    const choices = [{ index: 0, message, finish_reason: 'stop' }];
    return Response.json({ ...common, object: 'chat.completion', choices, usage: usageOf(script) });
  }
  const all = eventsOf(script);
  const encoder = new TextEncoder();
  let sent = 0;
  const body = new ReadableStream<Uint8Array>({
    pull: async (controller) => {
      if (sent === events) {
        await beforeLast();
        if (mode === 'hangs') await new Promise(() => undefined);
        if (mode === 'breaks') {
          controller.error(new Error('the model broke off'));
          return;
        }
      }
      const event = all[sent];
      sent += 1;
      if (event === undefined) controller.close();
      else controller.enqueue(encoder.encode(event));
    },
  });
  return new Response(body, { headers: { 'content-type': 'text/event-stream' } });
};

/** Reads a script from a path that ends with `/mode/events/tokens`. @throws Error if it does not */
export const modelScriptAt = (path: string): ModelScript => {
  const [mode, events, tokens] = path.split('/').slice(-3);
  const known = MODEL_MODES.find((each) => each === mode);
  if (known === undefined) throw new Error(`${path} does not end with /mode/events/tokens`);
  return { mode: known, events: Number(events), tokens: Number(tokens) };
};
