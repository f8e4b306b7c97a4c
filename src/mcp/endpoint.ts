import { audienceOf } from '../config/config.ts';
import type { Result } from '../core/result.ts';
import type { Gateway } from '../gateway/gateway.ts';
import { type Reason, problemOf } from '../protocol/problem/reason.ts';
import { refusal } from './call-result.ts';
import type { McpContext } from './context.ts';
import { guardRequest, rpcError } from './guard.ts';
import type { Message } from './message.ts';
import { proofHeaders } from './proof-headers.ts';
import { mcpHandler } from './server.ts';

/**
 * Serves `POST /mcp`: MCP over stateless Streamable HTTP, revisions 2026-07-28 and 2025-11-25 and before. The app loads this module with
 * the first request for it.
 *
 * @param gateway the gateway, or the problem that prevents it: then a call gets that problem as its result.
 */
export const serveMcp = async (
  gateway: Result<Gateway, Reason>,
  request: Request,
): Promise<Response> => {
  const message = await guardRequest(request, gateway.ok ? gateway.value.config : undefined);
  if (!message.ok) return message.error;
  if (!gateway.ok) return await unavailable(message.value, gateway.error);
  const context: McpContext = {
    gateway: gateway.value,
    request,
    message: message.value,
    headers: proofHeaders(request.headers, message.value.meta),
    audience: audienceOf(gateway.value.config, request.url),
  };
  const handler = await mcpHandler(context);
  const answer = await handler.fetch(request, { parsedBody: message.value.json });
  const headers = new Headers(answer.headers);
  // Results hold receipts and signed terms (law 10).
  headers.set('Cache-Control', 'private, no-store');
  headers.set('X-Accel-Buffering', 'no');
  return new Response(answer.body, { status: answer.status, headers });
};

/** Answers for a gateway that is not configured: a result for a call, so that the model reads it, and a JSON-RPC error otherwise. */
const unavailable = async ({ id, method }: Message, reason: Reason): Promise<Response> => {
  if (id === undefined) return new Response(null, { status: 202 });
  if (method === 'tools/call') {
    return Response.json(
      { jsonrpc: '2.0', id, result: { resultType: 'complete', ...(await refusal(reason)) } },
      { headers: { 'Cache-Control': 'private, no-store' } },
    );
  }
  const { members } = problemOf(reason);
  return rpcError(200, id, { code: -32603, message: members.detail, data: members });
};
