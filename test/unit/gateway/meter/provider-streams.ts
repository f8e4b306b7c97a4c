/** Streams in the wire format of model providers, as their documentation shows them. */

const sse = (events: readonly (readonly [string | undefined, string])[]): string =>
  events
    .map(([type, data]) => `${type === undefined ? '' : `event: ${type}\n`}data: ${data}\n\n`)
    .join('');

const chunk = (delta: object, usage?: object | null): readonly [undefined, string] => [
  undefined,
  JSON.stringify({
    ...{
      id: 'chatcmpl-1',
      object: 'chat.completion.chunk',
      created: 1_790_000_000,
      model: 'small',
    },
    choices: [{ index: 0, delta, logprobs: null, finish_reason: null }],
    ...(usage === undefined ? {} : { usage }),
  }),
];

const USAGE = {
  prompt_tokens: 1_200,
  completion_tokens: 40,
  total_tokens: 1_240,
  prompt_tokens_details: { cached_tokens: 1_000, audio_tokens: 0 },
  completion_tokens_details: { reasoning_tokens: 12, audio_tokens: 0 },
};

/** With `include_usage`: every chunk has `usage`, null but for the last one. */
export const openaiStream = (usage: object = USAGE): string =>
  sse([
    chunk({ role: 'assistant', content: '' }, null),
    ...['Hel', 'lo, \u{1f600} "usage": {', '} wörld'].map((content) => chunk({ content }, null)),
    [
      undefined,
      JSON.stringify({ id: 'chatcmpl-1', object: 'chat.completion.chunk', choices: [], usage }),
    ],
    [undefined, '[DONE]'],
  ]);

/** Without it: no chunk has usage. */
export const openaiStreamWithoutUsage = (): string =>
  sse([
    chunk({ role: 'assistant', content: '' }),
    chunk({ content: 'Hello' }),
    [undefined, '[DONE]'],
  ]);

export const openaiAnswer = (usage: object | null = USAGE): string =>
  JSON.stringify(
    {
      ...{ id: 'chatcmpl-1', object: 'chat.completion', created: 1_790_000_000, model: 'small' },
      choices: [
        { index: 0, message: { role: 'assistant', content: 'Hello' }, finish_reason: 'stop' },
      ],
      usage,
    },
    undefined,
    2,
  );

const delta = (text: string): readonly [string, string] => [
  'content_block_delta',
  JSON.stringify({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text } }),
];

const outputSoFar = (output_tokens: number): readonly [string, string] => [
  'message_delta',
  JSON.stringify({
    ...{ type: 'message_delta', delta: { stop_reason: null, stop_sequence: null } },
    usage: { output_tokens },
  }),
];

export const anthropicStream = (...outputs: readonly number[]): string =>
  sse([
    [
      'message_start',
      JSON.stringify({
        type: 'message_start',
        message: {
          ...{ id: 'msg_1', type: 'message', role: 'assistant', content: [], model: 'small' },
          usage: {
            ...{ input_tokens: 200, cache_creation_input_tokens: 30 },
            ...{ cache_read_input_tokens: 1_000, output_tokens: 1 },
          },
        },
      }),
    ],
    ['ping', '{"type": "ping"}'],
    delta('Hel'),
    ...outputs.flatMap((output) => [delta('lo'), outputSoFar(output)]),
    ['message_stop', '{"type":"message_stop"}'],
  ]);

export const geminiStream = (...outputs: readonly number[]): string =>
  outputs
    .map((candidatesTokenCount) =>
      JSON.stringify(
        {
          candidates: [{ content: { parts: [{ text: 'Hello' }], role: 'model' }, index: 0 }],
          usageMetadata: {
            ...{ promptTokenCount: 12, candidatesTokenCount },
            ...{ totalTokenCount: 12 + candidatesTokenCount + 5, thoughtsTokenCount: 5 },
          },
        },
        undefined,
        1,
      ),
    )
    // Several lines of data: the text of an event is indented.
    .map(
      (text) =>
        `${text
          .split('\n')
          .map((line) => `data: ${line}\r\n`)
          .join('')}\r\n`,
    )
    .join('');
