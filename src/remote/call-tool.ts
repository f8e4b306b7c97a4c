import { type JsonObject, isObject } from '../core/json-object.ts';
import type { RpcError } from '../protocol/problem/upstream.ts';
import { mentionsTerms } from '../protocol/x402/mentions-terms.ts';
import type { Exchanged } from './exchange.ts';
import { type NotificationListener, type RemoteFault } from './message.ts';
import { openSession, type SessionOptions } from './session.ts';

/** The signed parts of a call, as the remote server gets them. */
export type CallParams = {
  /** The tool's name at the server. */
  readonly name: string;
  readonly arguments: JsonObject;
  /** The caller's answers to an `input_required` result, and the state of that result, untouched. */
  readonly inputResponses?: JsonObject;
  readonly requestState?: string;
};

/**
 * How a remote call ended. `failed` and `input_required` are not successes: the tool has not done the work that the caller pays for.
 *
 * `result` is the server's `CallToolResult` without the members that only the gateway may set.
 */
export type RemoteOutcome =
  | { readonly kind: 'success' | 'tool_error' | 'input_required'; readonly result: JsonObject }
  | { readonly kind: 'error'; readonly error: RpcError }
  | { readonly kind: 'failed'; readonly fault: RemoteFault };

/** Calls a tool of a remote server once. Never throws. */
export const callRemoteTool = async (
  options: SessionOptions,
  params: CallParams,
  onNotification?: NotificationListener,
): Promise<RemoteOutcome> => {
  const session = openSession(options);
  // The server's notifications name the call by this token; the caller's own token never reaches the server.
  const asksProgress = onNotification === undefined ? {} : { _meta: { progressToken: 1 } };
  const answer = await session.request(
    'tools/call',
    { ...params, ...asksProgress },
    onNotification,
  );
  await session.close();
  return outcomeOf(answer);
};

/** JSON-RPC codes with which other payment schemes ask for money (`org.paymentauth`). */
const PAYMENT_CODES = new Set([402, -32_042, -32_043]);

const outcomeOf = (answer: Exchanged): RemoteOutcome => {
  if (answer.kind === 'failed') return { kind: 'failed', fault: answer.fault };
  if (answer.kind === 'error') {
    return PAYMENT_CODES.has(answer.error.code) || mentionsTerms(JSON.stringify(answer.error))
      ? { kind: 'failed', fault: 'payment' }
      : { kind: 'error', error: answer.error };
  }
  const result = withoutClaims(answer.result);
  const { resultType = 'complete', isError = false, content, inputRequests, requestState } = result;
  if (resultType === 'payment_required') return { kind: 'failed', fault: 'payment' };
  if (resultType === 'input_required') {
    const isValid =
      (inputRequests === undefined || isObject(inputRequests)) &&
      (requestState === undefined || typeof requestState === 'string');
    return isValid ? { kind: 'input_required', result } : { kind: 'failed', fault: 'malformed' };
  }
  if (resultType !== 'complete' || typeof isError !== 'boolean' || !isContent(content)) {
    return { kind: 'failed', fault: 'malformed' };
  }
  if (!isError) return { kind: 'success', result };
  return mentionsTerms(JSON.stringify(answer.result))
    ? { kind: 'failed', fault: 'payment' }
    : { kind: 'tool_error', result };
};

const isContent = (content: unknown): boolean => Array.isArray(content) && content.every(isObject);

/** Keys of `_meta` in which the gateway, a payment scheme or the protocol speaks. */
const CLAIMS =
  /^(?:x402|countersign|agents-x402|org\.x402|org\.paymentauth|io\.modelcontextprotocol)[./]/;

/**
 * Attack: a server adds a receipt or terms of its own, or marks a block as written by the gateway, and the client trusts them as the
 * gateway's.
 */
export const withoutClaims = (result: JsonObject): JsonObject => {
  const { content } = result;
  const own = withoutClaimsIn(result);
  return Array.isArray(content)
    ? {
        ...own,
        content: content.map((block: unknown) =>
          isObject(block) ? withoutClaimsIn(block) : block,
        ),
      }
    : own;
};

const withoutClaimsIn = (claiming: JsonObject): JsonObject => {
  const { _meta: meta, ...rest } = claiming;
  if (!isObject(meta)) return rest;
  const kept = Object.entries(meta).filter(([key]) => !CLAIMS.test(key));
  return kept.length === 0 ? rest : { ...rest, _meta: Object.fromEntries(kept) };
};
