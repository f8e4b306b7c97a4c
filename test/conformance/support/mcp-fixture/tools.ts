import { createHmac } from 'node:crypto';
import { type CallToolResult, ProtocolError } from '@modelcontextprotocol/server';

/** The parts of a request that a tool of the fixture can use. */
export type ToolContext = {
  readonly capabilities: Readonly<Record<string, unknown>>;
  readonly inputResponses: Readonly<Record<string, unknown>>;
  readonly requestState: string | undefined;
  readonly progress: (progress: number) => Promise<void>;
  readonly log: (data: string) => Promise<void>;
};

type Result =
  | CallToolResult
  | (Readonly<Record<string, unknown>> & { readonly resultType: string });
export type FixtureTool = {
  readonly description: string;
  readonly inputSchema: { readonly type: 'object'; readonly [keyword: string]: unknown };
  readonly run: (context: ToolContext) => Result | Promise<Result>;
};

/** An image of one red pixel, and a WAV file without samples. */
const PNG =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==';
const WAV = 'UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQAAAAA=';

export const textContent = (text: string) => ({ type: 'text' as const, text });
export const imageContent = { type: 'image' as const, data: PNG, mimeType: 'image/png' };
const says = (text: string): CallToolResult => ({ content: [textContent(text)] });

export const elicit = (message: string, name: string, type = 'string') => ({
  method: 'elicitation/create',
  params: {
    mode: 'form',
    message,
    requestedSchema: { type: 'object', properties: { [name]: { type } }, required: [name] },
  },
});
const sample = (text: string) => ({
  method: 'sampling/createMessage',
  params: { messages: [{ role: 'user', content: textContent(text) }], maxTokens: 100 },
});
const ROOTS = { method: 'roots/list', params: {} };

export const requires = (inputRequests: object, requestState?: string) => ({
  resultType: 'input_required',
  inputRequests,
  ...(requestState === undefined ? {} : { requestState }),
});

const KEY = 'key of the fixture';
const sealed = (state: string): string =>
  `${state}.${createHmac('sha256', KEY).update(state).digest('hex')}`;
/** @throws ProtocolError for a state that this server did not seal */
const opened = (text: string | undefined): string | undefined => {
  if (text === undefined) return undefined;
  const state = text.slice(0, text.lastIndexOf('.'));
  if (sealed(state) === text) return state;
  throw new ProtocolError(-32_602, 'Invalid requestState');
};

const isAnswer = (value: unknown): boolean => typeof value === 'object' && value !== null;
const has = ({ inputResponses }: ToolContext, ...keys: readonly string[]): boolean =>
  keys.every((key) => isAnswer(inputResponses[key]));

const tool = (description: string, run: FixtureTool['run']): FixtureTool => ({
  description,
  inputSchema: { type: 'object', properties: {} },
  run,
});

/** The tools that the conformance suite calls. The suite prescribes their names and texts. */
export const TOOLS: Readonly<Record<string, FixtureTool>> = {
  test_simple_text: tool('Text.', () => says('This is a simple text response for testing.')),
  test_image_content: tool('An image.', () => ({ content: [imageContent] })),
  test_audio_content: tool('Audio.', () => ({
    content: [{ type: 'audio', data: WAV, mimeType: 'audio/wav' }],
  })),
  test_embedded_resource: tool('A resource.', () => ({
    content: [
      {
        type: 'resource',
        resource: {
          uri: 'test://embedded-resource',
          mimeType: 'text/plain',
          text: 'This is an embedded resource content.',
        },
      },
    ],
  })),
  test_multiple_content_types: tool('Text, an image and a resource.', () => ({
    content: [
      textContent('Multiple content types test:'),
      imageContent,
      {
        type: 'resource',
        resource: {
          uri: 'test://mixed-content-resource',
          mimeType: 'application/json',
          text: '{"test":"data","value":123}',
        },
      },
    ],
  })),
  test_error_handling: tool('Fails.', () => ({
    ...says('This tool intentionally returns an error for testing'),
    isError: true,
  })),
  test_tool_with_progress: tool('Reports progress.', async ({ progress }) => {
    for (const value of [0, 50, 100]) await progress(value);
    return says('done');
  }),
  test_tool_with_logging: tool('Logs.', async ({ log }) => {
    for (const step of [
      'Tool execution started',
      'Tool processing data',
      'Tool execution completed',
    ])
      await log(step);
    return says('done');
  }),
  test_logging_tool: tool('Logs if asked.', async ({ log }) => {
    await log('a log message');
    return says('done');
  }),
  test_missing_capability: tool('Needs sampling.', ({ capabilities }) => {
    if (capabilities['sampling'] !== undefined) return says('done');
    throw new ProtocolError(-32_021, 'This tool needs sampling', {
      requiredCapabilities: { sampling: {} },
    });
  }),
  test_streaming_elicitation: tool('Asks while it streams.', (context) =>
    has(context, 'user_name') ? says('done') : requires({ user_name: elicit('Name?', 'name') }),
  ),
  test_input_required_result_elicitation: tool('Asks for a name.', (context) => {
    if (!has(context, 'user_name'))
      return requires({ user_name: elicit('What is your name?', 'name') });
    const { content } = context.inputResponses['user_name'] as { content?: { name?: string } };
    return says(`Hello, ${content?.name ?? ''}!`);
  }),
  test_input_required_result_sampling: tool('Asks the model.', (context) =>
    has(context, 'capital_question')
      ? says('The capital of France is Paris.')
      : requires({ capital_question: sample('What is the capital of France?') }),
  ),
  test_input_required_result_list_roots: tool('Asks for roots.', (context) =>
    has(context, 'client_roots')
      ? says(JSON.stringify(context.inputResponses['client_roots']))
      : requires({ client_roots: ROOTS }),
  ),
  test_input_required_result_request_state: tool('Keeps state.', (context) =>
    has(context, 'confirm') && opened(context.requestState) !== undefined
      ? says('state-ok')
      : requires({ confirm: elicit('Please confirm', 'ok', 'boolean') }, sealed('confirm')),
  ),
  test_input_required_result_multiple_inputs: tool('Asks for much.', (context) =>
    has(context, 'user_name', 'greeting', 'client_roots') &&
    opened(context.requestState) !== undefined
      ? says('done')
      : requires(
          {
            user_name: elicit('What is your name?', 'name'),
            greeting: sample('Generate a greeting'),
            client_roots: ROOTS,
          },
          sealed('many'),
        ),
  ),
  test_input_required_result_multi_round: tool('Asks twice.', (context) => {
    const state = opened(context.requestState);
    if (state === 'second' && has(context, 'step2')) return says('done');
    if (state === 'first' && has(context, 'step1'))
      return requires({ step2: elicit('Step 2: color?', 'color') }, sealed('second'));
    return requires({ step1: elicit('Step 1: name?', 'name') }, sealed('first'));
  }),
  test_input_required_result_tampered_state: tool('Seals its state.', (context) =>
    opened(context.requestState) === undefined
      ? requires({ confirm: elicit('Please confirm', 'ok', 'boolean') }, sealed('confirm'))
      : says('state-ok'),
  ),
  test_input_required_result_capabilities: tool('Asks what the client can.', (context) => {
    const { capabilities } = context;
    const requests = {
      ...(capabilities['sampling'] === undefined ? {} : { question: sample('Say hello') }),
      ...(capabilities['elicitation'] === undefined ? {} : { name: elicit('Name?', 'name') }),
    };
    return Object.keys(requests).length === 0 ? says('nothing to ask') : requires(requests);
  }),
  json_schema_2020_12_tool: {
    description: 'A tool with a schema of draft 2020-12.',
    inputSchema: {
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      type: 'object',
      $defs: {
        address: {
          $anchor: 'addressDef',
          type: 'object',
          properties: { street: { type: 'string' }, city: { type: 'string' } },
        },
      },
      properties: {
        name: { type: 'string' },
        address: { $ref: '#/$defs/address' },
        contactMethod: { type: 'string', enum: ['phone', 'email'] },
        phone: { type: 'string' },
        email: { type: 'string' },
      },
      allOf: [{ anyOf: [{ required: ['phone'] }, { required: ['email'] }] }],
      if: { properties: { contactMethod: { const: 'phone' } }, required: ['contactMethod'] },
      // oxlint-disable-next-line unicorn/no-thenable -- a keyword of JSON Schema
      then: { required: ['phone'] },
      else: { required: ['email'] },
      additionalProperties: false,
    },
    run: () => says('done'),
  },
};
