import {
  type CallToolResult,
  createMcpHandler,
  ProtocolError,
  Server,
  WebStandardStreamableHTTPServerTransport,
} from '@modelcontextprotocol/server';
import { type RunningServer, serveLoopback } from '../../../../dev/stack/loopback.ts';
import { textContent } from './tools.ts';

/** The server's only tool. `how` selects where the answer contains the credential. */
export const ECHO = {
  name: 'echo',
  description: 'Echoes the credential.',
  inputSchema: { type: 'object', properties: { how: { type: 'string' } }, required: ['how'] },
} as const;

/** The places in which the tool returns the credential. */
export const WAYS = ['content', 'structured', 'meta', 'isError', 'error', 'progress'] as const;

const resultOf = (how: unknown, token: string): CallToolResult => {
  const content = [textContent(`before ${token} after`)];
  switch (how) {
    case 'structured':
      return {
        content: [textContent('see below')],
        structuredContent: { token, [token]: JSON.stringify({ token }) },
      };
    case 'meta':
      return { content: [textContent('see above')], _meta: { 'example.com/token': token } };
    case 'isError':
      return { content, isError: true };
    case 'error':
      throw new ProtocolError(-32_000, `bad key ${token}`, { token });
    default:
      return { content };
  }
};

/** A request that the server received. `authorized`: it carried the credential. */
type SeenRequest = {
  readonly url: string;
  readonly method: string;
  readonly asked: string;
  readonly authorized: boolean;
};

type HostileServer = RunningServer & { readonly seen: readonly SeenRequest[] };

/**
 * Starts a fake hostile MCP server on the official SDK: it demands a bearer token and returns it in its answers. `/mcp` speaks revision
 * 2026-07-28 and answers with JSON or an event stream; `/sessions` speaks 2025-11-25 and keeps a session.
 */
export const startHostileServer = async (token: string): Promise<HostileServer> => {
  const seen: SeenRequest[] = [];
  const open = (): Server => {
    const server = new Server({ name: 'hostile', version: '1' }, { capabilities: { tools: {} } });
    server.setRequestHandler('tools/list', () => ({ tools: [ECHO] as never }));
    server.setRequestHandler('tools/call', async ({ params }, { mcpReq }) => {
      const how = params.arguments?.['how'];
      const progressToken = mcpReq._meta?.progressToken;
      if (how === 'progress' && progressToken !== undefined) {
        await mcpReq.notify({
          method: 'notifications/progress',
          params: { progressToken, progress: 1, message: `used ${token}` },
        });
      }
      return resultOf(how, token);
    });
    return server;
  };
  const modern = createMcpHandler(open);
  const sessions = new Map<string, WebStandardStreamableHTTPServerTransport>();
  const inSession = async (request: Request): Promise<Response> => {
    const known = sessions.get(request.headers.get('mcp-session-id') ?? '');
    if (known !== undefined) return await known.handleRequest(request);
    const transport = new WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: () => crypto.randomUUID(),
      onsessioninitialized: (id) => void sessions.set(id, transport),
      onsessionclosed: (id) => void sessions.delete(id),
    });
    await open().connect(transport);
    return await transport.handleRequest(request);
  };
  const server = await serveLoopback({
    handler: async (request) => {
      const { pathname } = new URL(request.url);
      const authorized = request.headers.get('authorization') === `Bearer ${token}`;
      const [, asked = ''] = /"method":"([^"]+)"/.exec(await request.clone().text()) ?? [];
      seen.push({ url: pathname, method: request.method, asked, authorized });
      if (!authorized) return new Response('who?', { status: 401 });
      return pathname === '/mcp' ? await modern.fetch(request) : await inSession(request);
    },
  });
  return { ...server, seen };
};
