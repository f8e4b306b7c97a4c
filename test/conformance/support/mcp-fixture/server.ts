import { createMcpHandler, ProtocolError, Server } from '@modelcontextprotocol/server';
import { type RunningServer, serveLoopback } from '../../../../dev/stack/loopback.ts';
import { elicit, imageContent, requires, textContent, TOOLS } from './tools.ts';

type Json = Readonly<Record<string, unknown>>;
const asJson = (value: unknown): Json =>
  typeof value === 'object' && value !== null ? (value as Json) : {};

const CACHE = { ttlMs: 1_000, cacheScope: 'public' as const };
const PIXEL = imageContent.data;

const user = (content: unknown) => ({ role: 'user' as const, content });
const PROMPTS: Readonly<Record<string, (given: Json) => readonly unknown[]>> = {
  test_simple_prompt: () => [user(textContent('This is a simple prompt for testing.'))],
  test_prompt_with_arguments: ({ arg1, arg2 }) => [
    user(textContent(`Prompt with arguments: arg1='${String(arg1)}', arg2='${String(arg2)}'`)),
  ],
  test_prompt_with_embedded_resource: ({ resourceUri }) => [
    user({
      type: 'resource',
      resource: {
        uri: resourceUri,
        mimeType: 'text/plain',
        text: 'Embedded resource content for testing.',
      },
    }),
    user(textContent('Please process the embedded resource above.')),
  ],
  test_prompt_with_image: () => [
    user(imageContent),
    user(textContent('Please analyze the image above.')),
  ],
  test_input_required_result_prompt: () => [user(textContent('With context.'))],
};
const argument = (name: string) => ({ name, description: name, required: true });
const ARGUMENTS: Readonly<Record<string, readonly object[]>> = {
  test_prompt_with_arguments: [argument('arg1'), argument('arg2')],
  test_prompt_with_embedded_resource: [argument('resourceUri')],
};

const RESOURCES: Readonly<Record<string, object>> = {
  'test://static-text': {
    mimeType: 'text/plain',
    text: 'This is the content of the static text resource.',
  },
  'test://static-binary': { mimeType: 'image/png', blob: PIXEL },
};
const TEMPLATE = /^test:\/\/template\/([^/]+)\/data$/;

const resourceOf = (uri: string): object => {
  const known = RESOURCES[uri];
  if (known !== undefined) return known;
  const [, id] = TEMPLATE.exec(uri) ?? [];
  if (id === undefined) throw new ProtocolError(-32_602, 'Resource not found', { uri });
  const text = JSON.stringify({ id, templateTest: true, data: `Data for ID: ${id}` });
  return { mimeType: 'application/json', text };
};

const META = 'io.modelcontextprotocol/';

/** The server of the conformance suite, on the official SDK: every tool, prompt and resource that its scenarios name. */
const fixture = (era: 'legacy' | 'modern', changed: ReadonlyMap<string, string>): Server => {
  const server = new Server(
    { name: 'fixture', version: '1' },
    { capabilities: { tools: {}, prompts: {}, resources: {}, completions: {}, logging: {} } },
  );
  server.setRequestHandler('tools/list', () => ({
    tools: Object.entries(TOOLS).map(([name, { description, inputSchema }]) => ({
      name,
      description: changed.get(name) ?? description,
      inputSchema,
    })),
    ...CACHE,
  }));
  server.setRequestHandler('tools/call', async ({ params }, { mcpReq }) => {
    const called = TOOLS[params.name];
    if (called === undefined) throw new ProtocolError(-32_602, `Unknown tool: ${params.name}`);
    const envelope = asJson(mcpReq.envelope);
    const given = asJson(params);
    const { progressToken } = asJson(mcpReq._meta);
    const state = mcpReq.requestState();
    const logs = era === 'legacy' || envelope[`${META}logLevel`] !== undefined;
    return (await called.run({
      capabilities: asJson(envelope[`${META}clientCapabilities`]),
      inputResponses: asJson(mcpReq.inputResponses ?? given['inputResponses']),
      requestState: typeof state === 'string' ? state : undefined,
      progress: async (progress) => {
        if (typeof progressToken !== 'string' && typeof progressToken !== 'number') return;
        const params_ = { progressToken, progress, total: 100 };
        await mcpReq.notify({ method: 'notifications/progress', params: params_ });
      },
      log: async (data) => {
        if (!logs) return;
        await mcpReq.notify({ method: 'notifications/message', params: { level: 'info', data } });
      },
    })) as never;
  });
  server.setRequestHandler('prompts/list', () => ({
    prompts: Object.keys(PROMPTS).map((name) => ({
      name,
      description: name,
      ...(ARGUMENTS[name] === undefined ? {} : { arguments: ARGUMENTS[name] as never }),
    })),
    ...CACHE,
  }));
  server.setRequestHandler('prompts/get', ({ params }, { mcpReq }) => {
    const prompt = PROMPTS[params.name];
    if (prompt === undefined) throw new ProtocolError(-32_602, `Unknown prompt: ${params.name}`);
    const responses = asJson(mcpReq.inputResponses ?? asJson(params)['inputResponses']);
    if (params.name === 'test_input_required_result_prompt' && !('user_context' in responses)) {
      const question = elicit('What context should the prompt use?', 'context');
      return requires({ user_context: question }) as never;
    }
    return { messages: prompt(asJson(params.arguments)) as never };
  });
  server.setRequestHandler('resources/list', () => ({
    resources: Object.keys(RESOURCES).map((uri) => ({ uri, name: uri })),
    ...CACHE,
  }));
  server.setRequestHandler('resources/templates/list', () => ({
    resourceTemplates: [{ uriTemplate: 'test://template/{id}/data', name: 'template' }],
    ...CACHE,
  }));
  server.setRequestHandler('resources/read', ({ params: { uri } }) => ({
    contents: [{ uri, ...resourceOf(uri) } as never],
    ...CACHE,
  }));
  server.setRequestHandler('completion/complete', () => ({ completion: { values: [] } }));
  return server;
};

/** The fixture, served on 127.0.0.1. */
type Fixture = RunningServer & {
  /** Changes the description of a tool in `tools/list`. */
  readonly describe: (tool: string, description: string) => void;
};

export const startFixture = async (): Promise<Fixture> => {
  const changed = new Map<string, string>();
  const handler = createMcpHandler(({ era }) => fixture(era, changed));
  const server = await serveLoopback({ handler: async (request) => await handler.fetch(request) });
  return { ...server, describe: (tool, description) => void changed.set(tool, description) };
};
