import { type JsonObject, isObject } from '../core/json-object.ts';
import { ProtocolError, type Server } from '@modelcontextprotocol/server';
import { TOO_MANY, clientOf } from '../gateway/rate-limit.ts';
import { problemOf } from '../protocol/problem/reason.ts';
import { withoutClaims } from '../remote/call-tool.ts';
import { openSession } from '../remote/session.ts';
import type { McpContext } from './context.ts';

/** Capabilities of a gateway that passes prompts and resources through. */
export const PASSED_CAPABILITIES = { prompts: {}, resources: {}, completions: {}, logging: {} };

/** The methods of `MCP_PASSTHROUGH`. They sell nothing, and never include `tools/call`. */
const METHODS = [
  ...(['prompts/list', 'prompts/get', 'resources/list', 'resources/templates/list'] as const),
  ...(['resources/read', 'completion/complete'] as const),
] as const;

/** Methods of older revisions that a server without sessions can only acknowledge. */
const ACKNOWLEDGED = ['logging/setLevel', 'resources/subscribe', 'resources/unsubscribe'] as const;

const CACHED = new Set<string>([
  ...['prompts/list', 'resources/list', 'resources/templates/list', 'resources/read'],
]);
const CACHE = { ttlMs: 5_000, cacheScope: 'private' as const };

const MAX_ANSWER = 1024 * 1024;
const TIMEOUT_MS = 10_000;
const CAPABILITIES = 'io.modelcontextprotocol/clientCapabilities';

/** Passes prompts, resources and completions of one MCP server through: free, without a proof, and with the caps of a remote tool. */
export const passThrough = (server: Server, context: McpContext, url: string): void => {
  for (const method of METHODS) {
    server.setRequestHandler(
      method,
      async (_request, { mcpReq }) =>
        (await forward(context, url, method, mcpReq.envelope)) as never,
    );
  }
  for (const method of ACKNOWLEDGED) server.setRequestHandler(method, () => ({}));
};

const forward = async (
  { gateway, request, message }: McpContext,
  url: string,
  method: string,
  envelope: unknown,
): Promise<JsonObject> => {
  // Limit strangers: each of their requests causes one to the other server.
  if (!(await gateway.rateLimit(clientOf(request.headers)))) {
    throw new ProtocolError(-32_000, problemOf(TOO_MANY).members.detail);
  }
  const capabilities = isObject(envelope) ? envelope[CAPABILITIES] : undefined;
  const session = openSession({
    url,
    signal: AbortSignal.timeout(TIMEOUT_MS),
    maxBytes: MAX_ANSWER,
    ...(isObject(capabilities) ? { capabilities: { ...capabilities, extensions: {} } } : {}),
  });
  // `_meta` holds proofs and the protocol's own members.
  const { _meta, ...params } = message.params;
  const answer = await session.request(method, params);
  gateway.waitUntil(session.close());
  if (answer.kind === 'result') {
    return { ...withoutClaims(answer.result), ...(CACHED.has(method) ? CACHE : {}) };
  }
  if (answer.kind === 'error') {
    const { code, message: text, data } = answer.error;
    throw new ProtocolError(code, text, data);
  }
  console.error({ event: 'passthrough_failed', method, fault: answer.fault });
  throw new ProtocolError(-32_603, 'The server behind the gateway gave no usable answer.');
};
