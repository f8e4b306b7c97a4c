import { type JsonObject, isObject } from '../core/json-object.ts';
import {
  createMcpHandler,
  type McpHttpHandler,
  ProtocolError,
  Server,
  type ServerCapabilities,
} from '@modelcontextprotocol/server';
import { refusal } from './call-result.ts';
import { answerCall } from './answer-call.ts';
import type { McpCall, McpContext } from './context.ts';
import { listTools } from './list-tools.ts';

/** Copied from `package.json`. */
export const SERVER_INFO = { name: 'countersign', version: '0.1.0' };

const INSTRUCTIONS =
  'Tools of this gateway cost money: each description states the price. A call without a payment answers with the terms and charges ' +
  'nothing. A failed call charges nothing. Repeat a call whose outcome is unknown with the same payment: a new one could pay twice.';

const PAYMENT_EXTENSION = 'org.x402/payment';
/** Tells a client what an intent names, so that it can sign its first `tools/list` (docs/mcp.md). */
const INTENT_EXTENSION = 'countersign/intent';

/** Lists may change at any moment, and depend on the caller. */
const LIST_CACHE = { ttlMs: 5_000, cacheScope: 'private' as const };

/**
 * Builds the SDK's handler for one request. Stateless: no session, and no object outlives the request. A platform trap forces that as
 * well: a Worker cannot write to a stream that another request opened.
 */
export const mcpHandler = async (context: McpContext): Promise<McpHttpHandler> => {
  const { passthrough } = context.gateway.config;
  const passed = passthrough === undefined ? undefined : await import('./passthrough.ts');
  const make = () => {
    const server = serverOf(context, passed?.PASSED_CAPABILITIES);
    if (passthrough !== undefined) passed?.passThrough(server, context, passthrough);
    return server;
  };
  return createMcpHandler(make, {
    onerror: (cause) => console.warn({ event: 'mcp_rejected', cause: String(cause).slice(0, 256) }),
  });
};

const serverOf = (context: McpContext, passed: ServerCapabilities = {}): Server => {
  const { audience, gateway } = context;
  const server = new Server(SERVER_INFO, {
    capabilities: {
      ...passed,
      tools: {},
      extensions: {
        [PAYMENT_EXTENSION]: {},
        [INTENT_EXTENSION]: { audience, chains: [...gateway.config.payTo.keys()] },
      },
    },
    instructions: INSTRUCTIONS,
  });
  server.setRequestHandler('tools/list', async () => {
    try {
      return { tools: await listTools(context), ...LIST_CACHE };
    } catch (cause) {
      throw noted(cause) ?? new ProtocolError(-32603, 'Internal error');
    }
  });
  server.setRequestHandler('tools/call', async ({ params }, { mcpReq }) => {
    const { progressToken } = mcpReq._meta ?? {};
    const envelope: JsonObject | undefined = isObject(mcpReq.envelope)
      ? mcpReq.envelope
      : undefined;
    const capabilities = envelope?.[CAPABILITIES];
    const logLevel = envelope === undefined ? LEGACY_LOG_LEVEL : envelope[LOG_LEVEL];
    const mcpCall: McpCall = {
      signal: mcpReq.signal,
      takesPaymentRequired: namesExtension(envelope),
      capabilities: isObject(capabilities) ? capabilities : {},
      takesInput: envelope !== undefined,
      logLevel: typeof logLevel === 'string' ? logLevel : undefined,
      notify: async (method, params) => {
        const isProgress = method === 'notifications/progress';
        if (isProgress && progressToken === undefined) return;
        await mcpReq.notify({
          method,
          params: { ...params, ...(isProgress ? { progressToken } : {}) },
        });
      },
    };
    // The arguments as the gateway parsed them: the SDK's own copy may differ from the checked one.
    const { arguments: given } = context.message.params;
    try {
      return await answerCall(context, params.name, isObject(given) ? given : {}, mcpCall);
    } catch (cause) {
      const fault = noted(cause);
      if (fault !== undefined) throw fault;
      return await refusal({ reason: 'internal' });
    }
  });
  return server;
};

/** Returns an error for the client; logs any other, whose text the SDK would put into its answer (law 9). */
const noted = (cause: unknown): ProtocolError | undefined => {
  if (cause instanceof ProtocolError) return cause;
  console.error({ event: 'mcp_failed', cause: String(cause) });
  return undefined;
};

const CAPABILITIES = 'io.modelcontextprotocol/clientCapabilities';
const LOG_LEVEL = 'io.modelcontextprotocol/logLevel';
/** Older revisions set a level in a session, which the gateway does not have. */
const LEGACY_LOG_LEVEL = 'info';

/** True if the client advertises the extension. Only the modern era states capabilities in each request. */
const namesExtension = (envelope: unknown): boolean => {
  const capabilities = isObject(envelope) ? envelope[CAPABILITIES] : undefined;
  const extensions = isObject(capabilities) ? capabilities['extensions'] : undefined;
  return isObject(extensions) && extensions[PAYMENT_EXTENSION] !== undefined;
};
