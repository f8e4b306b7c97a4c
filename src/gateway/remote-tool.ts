import { type JsonObject, isObject } from '../core/json-object.ts';
import type { Tool } from '../catalog/tool.ts';
import type { RemoteTool } from '../catalog/upstream.ts';
import { canonicalJson } from '../core/canonical-json.ts';
import type { Seconds } from '../core/clock.ts';
import { err, ok, type Result } from '../core/result.ts';
import { decodeUtf8, utf8 } from '../crypto/bytes.ts';
import { nativeSha256 } from '../crypto/native-crypto.ts';
import { inexactNumber } from '../protocol/exact-numbers.ts';
import { problem } from '../protocol/problem/problem.ts';
import type { Reason } from '../protocol/problem/reason.ts';
import { parseStrictJson } from '../protocol/strict-json.ts';
import { callRemoteTool, type CallParams, type RemoteOutcome } from '../remote/call-tool.ts';
import { type NotificationListener } from '../remote/message.ts';
import { openPinWatch, pinsOf } from '../remote/pin-watch.ts';
import { PRIVATE } from './answer-headers.ts';
import { answered, type FetcherOf } from './dispatch.ts';
import type { Gateway } from './gateway.ts';
import type { DispatchResult, PaidRequest, ReceivedRequest } from './paid-request.ts';
import { headersToUpstream, signAssertion } from './upstream-headers.ts';

/** A tool whose upstream is a tool of a remote MCP server. */
export type SoldRemoteTool = Tool & { readonly upstream: RemoteTool };

/** The arguments of a call, and everything else that the proof covers. */
export type RemoteInput = Omit<CallParams, 'name'>;

/** How a caller calls a remote tool. */
export type RemoteCaller = {
  /** The caller's headers; an allow-list of them is forwarded. */
  readonly headers: Headers;
  /** Reads the arguments from the request, or returns its fault. */
  readonly inputOf: (received: ReceivedRequest) => Result<RemoteInput, Reason>;
  /** The MCP capabilities of the caller that a tool may use. */
  readonly capabilities?: JsonObject;
  readonly logLevel?: string;
  readonly onNotification?: NotificationListener;
};

/** The longest answer of a remote server, bytes. */
const MAX_ANSWER = 1024 * 1024;

/** One instance per isolate. */
const watch = openPinWatch();

/** Returns why the gateway does not sell a tool now: its server has changed it. Undefined if it does. */
export const changedReason = (
  gateway: Gateway,
  tool: SoldRemoteTool,
  now: Seconds,
): Reason | undefined => {
  const { raise, waitUntil } = gateway;
  const deps = { raise, waitUntil, pinsOf: async () => await pinsFor(gateway, tool) };
  return watch.isChanged(tool, now, deps) ? { reason: 'tool_changed' } : undefined;
};

/** Lists the pins of a tool's server. Without the tool's secrets the server would list no tools, or those of other users. */
const pinsFor = async (gateway: Gateway, tool: SoldRemoteTool): ReturnType<typeof pinsOf> => {
  const { mcp } = tool.upstream;
  if (tool.secrets.length === 0) return await pinsOf(mcp);
  const opened = await gateway.openEgress(tool);
  return opened.ok ? await pinsOf(mcp, opened.value.fetch) : undefined;
};

/**
 * Returns the `run` of a paid request for a remote tool. It calls the server once, within the tool's timeout, and never throws.
 *
 * @param fetcherOf opens the fetcher that carries the tool's secrets; undefined for a tool without secrets
 */
export const runRemoteTool =
  (
    gateway: Gateway,
    tool: SoldRemoteTool,
    caller: RemoteCaller,
    fetcherOf: FetcherOf | undefined,
  ): PaidRequest['run'] =>
  async (received, checked, { call: reserved, attempt }) => {
    const fetcher = fetcherOf?.(reserved);
    // Without its secrets the request would fail.
    if (tool.secrets.length > 0 && fetcher === undefined)
      return { kind: 'failed', reason: 'dropped' };
    const input = caller.inputOf(received);
    if (!input.ok) return await refused(input.error);
    const params = { name: tool.upstream.tool, ...input.value };
    // The server cannot rebuild the payload that the payer signed, so the assertion covers the request that the server gets.
    const payloadDigest = nativeSha256(utf8(canonicalJson(params)));
    const sent = { ...received, payloadDigest };
    const assertion = signAssertion(gateway, tool, sent, checked, attempt);
    const aborter = new AbortController();
    const timer = setTimeout(() => aborter.abort(), tool.timeoutSeconds * 1000);
    try {
      const outcome = await callRemoteTool(
        {
          url: tool.upstream.mcp,
          ...(fetcher === undefined
            ? {}
            : { fetch: async (url, init) => await fetcher.fetch(url, init) }),
          headers: new Headers(
            headersToUpstream(
              caller.headers,
              tool,
              'application/json',
              assertion,
              gateway.trace?.traceparent(),
            ),
          ),
          signal: aborter.signal,
          maxBytes: MAX_ANSWER,
          ...(caller.capabilities === undefined ? {} : { capabilities: caller.capabilities }),
          ...(caller.logLevel === undefined ? {} : { logLevel: caller.logLevel }),
        },
        params,
        caller.onNotification,
      );
      return dispatchResult(tool, outcome);
    } catch (cause) {
      console.error({ event: 'upstream_dropped', tool: tool.id, cause: String(cause) });
      return { kind: 'failed', reason: 'dropped' };
    } finally {
      clearTimeout(timer);
    }
  };

/** A tool that failed is an HTTP failure, so that nothing is charged (law 4). So is one that requires input: it has not done its work yet. */
const STATUS = { success: 200, tool_error: 502, input_required: 422 } as const;

const dispatchResult = (tool: SoldRemoteTool, outcome: RemoteOutcome): DispatchResult => {
  switch (outcome.kind) {
    case 'failed': {
      const { fault } = outcome;
      console.error({ event: 'remote_failed', tool: tool.id, fault });
      return { kind: 'failed', reason: fault === 'status' ? 'malformed' : fault };
    }
    case 'error':
      return { kind: 'failed', reason: 'error', error: outcome.error };
    case 'success':
    case 'tool_error':
    case 'input_required': {
      const headers = { ...PRIVATE, 'content-type': 'application/json' };
      return answered(STATUS[outcome.kind], headers, bodyOf(outcome));
    }
  }
};

/**
 * The bytes that the receipt covers: the JCS form of the result, so that a client can rebuild them from what it received over MCP. Omits
 * `resultType`, which some revisions lack, except in a result that requires input.
 */
const bodyOf = ({ kind, result }: Extract<RemoteOutcome, { readonly result: JsonObject }>) => {
  const { resultType, ...own } = result;
  const shown = kind === 'input_required' ? { ...own, resultType } : own;
  return new Uint8Array(utf8(canonicalJson(shown)));
};

const refused = async (reason: Reason): Promise<DispatchResult> => {
  const response = await problem(reason);
  const body = new Uint8Array(await response.arrayBuffer());
  return answered(response.status, Object.fromEntries(response.headers), body);
};

/** Reads the arguments of an HTTP call: the body, a JSON object. The payer must have signed exactly the value that the server gets. */
export const inputOfBody = ({ body, target }: ReceivedRequest): Result<RemoteInput, Reason> => {
  const refuse = (hint: string, field = 'body') =>
    err<Reason>({ reason: 'malformed_request', field, hint });
  // Attack: a policy would check a parameter of the query, which the server never gets.
  if (target.includes('?')) return refuse('must be empty: the server gets the body alone', 'query');
  const text = body === undefined ? '{}' : decodeUtf8(body);
  const json = text === undefined ? undefined : parseStrictJson(text);
  if (text === undefined || json?.ok !== true || !isObject(json.value)) {
    return refuse('must be a JSON object: the arguments of the tool');
  }
  const inexact = inexactNumber(text);
  return inexact === undefined
    ? ok({ arguments: json.value })
    : refuse(`holds a number that a double cannot hold: ${inexact}`);
};
