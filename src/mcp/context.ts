import type { JsonObject } from '../core/json-object.ts';
import type { Result } from '../core/result.ts';
import type { Gateway } from '../gateway/gateway.ts';
import type { Reason } from '../protocol/problem/reason.ts';
import type { Message } from './message.ts';

/** One request to `/mcp`: everything that its handlers need. Made anew for each request; nothing outlives it. */
export type McpContext = {
  readonly gateway: Gateway;
  /** The POST. Its body has been read: `message` holds it. */
  readonly request: Request;
  readonly message: Message;
  /** The request's headers, with the proof of its `_meta` where `readProof` reads it; or the reason why there is not exactly one proof. */
  readonly headers: Result<Headers, Reason>;
  /** The configured origin that the request came to. */
  readonly audience: string;
};

/** The path of the endpoint: the `target` of every intent for a call over MCP (docs/wire-format.md §18). */
export const MCP_PATH = '/mcp';

/** One `tools/call`, for the code that runs the tool. */
export type McpCall = {
  /** The signal of the client's connection. A call that has begun continues without its client. */
  readonly signal: AbortSignal;
  /** True if the client's capabilities name the extension `org.x402/payment`. */
  readonly takesPaymentRequired: boolean;
  /** The client's capabilities. Empty in revisions that state them only in `initialize`. */
  readonly capabilities: JsonObject;
  /** False in revisions without `input_required`. */
  readonly takesInput: boolean;
  /** The level of log messages that the client wants; undefined if it wants none. */
  readonly logLevel: string | undefined;
  /** Sends a notification about this call. Drops progress that the client did not ask for. */
  readonly notify: (method: string, params: JsonObject) => Promise<void>;
};
