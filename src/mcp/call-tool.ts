import { type JsonObject, isObject } from '../core/json-object.ts';
import type { CallToolResult } from '@modelcontextprotocol/server';
import { validateArguments } from '../catalog/arguments.ts';
import { requestOf, type ToolRequest } from '../catalog/tool-request.ts';
import type { Tool } from '../catalog/tool.ts';
import { isRemote } from '../catalog/upstream.ts';
import { err, ok } from '../core/result.ts';
import { decodeUtf8 } from '../crypto/bytes.ts';
import { nativeSha256 } from '../crypto/native-crypto.ts';
import { serviceFor, servePaidRequest } from '../gateway/call.ts';
import { dispatch } from '../gateway/dispatch.ts';
import { isSuccess } from '../gateway/finish.ts';
import type { DispatchResult, PaidRequest } from '../gateway/paid-request.ts';
import { signAssertion } from '../gateway/upstream-headers.ts';
import type { FieldFault } from '../protocol/fault.ts';
import type { Reason } from '../protocol/problem/reason.ts';
import { mentionsTerms } from '../protocol/x402/mentions-terms.ts';
import { type CallResult, callResult, refusal, unpaidResult } from './call-result.ts';
import { headOfCall, payloadOfCall } from './call-payload.ts';
import type { McpCall, McpContext } from './context.ts';
import { MAX_MESSAGE } from './guard.ts';
import { termsOf } from './terms.ts';
import type { RemoteCall } from './remote-call.ts';

/** The longest answer of a tool, bytes: MCP results are whole messages. */
export const MAX_ANSWER = 1024 * 1024;

/** The end of a `tools/call`. */
export type Called = {
  readonly result: CallResult;
  /** Whether the gateway refused the call before its tool ran. `rule`: of a denial. */
  readonly refused?: { readonly rule: string | undefined };
};

/**
 * Calls a tool: the steps of `servePaidRequest`, with the request that docs/wire-format.md §18 defines. The payload is the JCS form of name
 * and arguments, so `1.0` and `1` are one call.
 */
export const callTool = async (
  context: McpContext,
  tool: Tool,
  headers: Headers,
  given: JsonObject,
  mcpCall: McpCall,
): Promise<Called> => {
  const { gateway, audience } = context;
  const valid = await validateArguments(tool, given);
  if (!valid.ok) return refused(await refusal(malformed(valid.error)));
  const forwarded = await upstreamRequestOf(tool, given);
  if (!forwarded.ok) return refused(await refusal(malformed(forwarded.error)));
  const service = await serviceFor(gateway, tool);
  const remote = isRemote(tool)
    ? (await import('./remote-call.ts')).openRemoteCall(
        context,
        tool,
        headersOfTool(headers, tool, forwarded.value),
        given,
        mcpCall,
        service.fetcherOf,
      )
    : undefined;
  if (remote?.changed !== undefined) return refused(await refusal(remote.changed));

  const answer = await servePaidRequest(
    gateway,
    paidRequestOf(context, tool, headers, given, { forwarded: forwarded.value, remote, service }),
  );
  if (answer.status === UNPAID) {
    const terms = termsOf(gateway.config, tool, audience);
    if (terms === undefined) return refused(await refusal({ reason: 'internal' }));
    return {
      result: mcpCall.takesPaymentRequired
        ? { resultType: 'payment_required', paymentRequired: terms.version2, content: [] }
        : unpaidResult(terms),
    };
  }
  const uri = `mcp://tool/${tool.id}/answer`;
  const result =
    remote === undefined ? await callResult(answer, uri) : await remote.resultOf(answer, uri);
  // Every call that ran has a receipt, and no upstream can forge one: its `agent-*` headers are dropped.
  return answer.headers.has('Agent-Receipt') || result.isError !== true
    ? { result }
    : refused(result);
};

/** Makes the request to the upstream, with the option that makes the upstream report usage if the tool's meter needs it. */
const upstreamRequestOf = async (
  tool: Tool,
  given: JsonObject,
): Promise<ReturnType<typeof requestOf>> => {
  const request = requestOf(tool, given);
  if (!request.ok || tool.meter?.includeUsage !== true) return request;
  const { body } = request.value;
  if (body === undefined) return request;
  const { withIncludeUsage } = await import('../gateway/meter/include-usage.ts');
  const asking = withIncludeUsage(body);
  if (asking.ok) return ok({ ...request.value, body: asking.value });
  const { field, hint } = asking.error;
  return err([{ field: `arguments.${field}`, reason: hint }]);
};

const malformed = ([fault]: readonly FieldFault[]): Reason => ({
  reason: 'malformed_request',
  field: fault?.field ?? 'arguments',
  hint: fault?.reason ?? 'are not valid',
});

const refused = (result: CallToolResult): Called => {
  const { type, rule } = isObject(result.structuredContent) ? result.structuredContent : {};
  // The rate limiter refused a replay of a reserved call. Asking the account now would defeat the rate limit.
  if (type === TOO_MANY_REQUESTS) return { result };
  return { result, refused: { rule: typeof rule === 'string' ? rule : undefined } };
};

const TOO_MANY_REQUESTS = 'urn:countersign:problem:too-many-requests';

/** The gateway's own status: `dispatch` never passes on the 402 of a tool. */
const UNPAID = 402;

/** The way to run the tool: the request to its upstream and its fetcher, or the call of a remote server. */
type Target = {
  readonly forwarded: ToolRequest;
  readonly remote: RemoteCall | undefined;
  readonly service: Awaited<ReturnType<typeof serviceFor>>;
};

const widened = new WeakMap<Tool, Tool>();

/**
 * The tool with the limit of an MCP message: its own limit is for the body that it gets, which `requestOf` has checked. One object for all
 * calls, because the hash of its terms is kept by it.
 */
const overMcp = (tool: Tool): Tool => {
  const known = widened.get(tool) ?? { ...tool, maxBodyBytes: MAX_MESSAGE };
  widened.set(tool, known);
  return known;
};

const paidRequestOf = (
  { gateway, request, message, audience }: McpContext,
  tool: Tool,
  headers: Headers,
  given: JsonObject,
  { forwarded, remote, service }: Target,
): PaidRequest => {
  const body = payloadOfCall(tool.id, given, message.params);
  return {
    tool: overMcp(tool),
    head: headOfCall(tool.id, audience),
    request: new Request(request.url, {
      method: 'POST',
      headers: headersOfCall(headers, body.byteLength),
      body,
    }),
    paramsIn: forwarded,
    ...(service.refusal === undefined ? {} : { refusal: service.refusal }),
    run:
      remote?.run ??
      (async (received, checked, { call: reserved, attempt }, metering) => {
        const sent = {
          ...received,
          ...forwarded,
          payloadDigest: nativeSha256(forwarded.body ?? new Uint8Array(0)),
        };
        const dispatched = await dispatch(gateway.config, tool, sent, {
          headers: headersOfTool(headers, tool, forwarded),
          assertion: signAssertion(gateway, tool, sent, checked, attempt),
          traceparent: gateway.trace?.traceparent(),
          maxCharge: reserved.price,
          metering,
          service: service.fetcherOf?.(reserved),
          readWhole: MAX_ANSWER,
        });
        return withoutTerms(dispatched);
      }),
  };
};

/** Rejects terms in the answer of a tool that failed or broke off: over MCP its client would take them for the gateway's. */
const withoutTerms = (dispatched: DispatchResult): DispatchResult =>
  dispatched.kind === 'answered' &&
  (!isSuccess(dispatched.status) || dispatched.end !== undefined) &&
  mentionsTerms(decodeUtf8(dispatched.body) ?? '')
    ? { kind: 'failed', reason: 'payment' }
    : dispatched;

/** The headers of the POST name the client and carry its proof. Those that describe its body and answer concern the MCP message. */
const headersOfCall = (headers: Headers, length: number): Headers => {
  const own = new Headers(headers);
  own.delete('accept');
  own.delete('content-type');
  own.set('content-length', length.toString());
  return own;
};

/**
 * Forwarded in addition to the headers that the tool asks for. The other headers of the POST, e.g. `Accept` and `Range`, concern the MCP
 * message.
 */
const FORWARDED = ['user-agent', 'traceparent', 'accept-language'];

const headersOfTool = (headers: Headers, tool: Tool, forwarded: ToolRequest): Headers => {
  const own = new Headers({ Accept: '*/*' });
  // A header that is an argument comes from the signed and validated arguments alone.
  const places = Object.values(tool.arguments);
  for (const name of [...FORWARDED, ...tool.requestHeaders]) {
    const value = headers.get(name);
    const isArgument = places.some((place) => 'header' in place && place.header === name);
    if (value !== null && !isArgument) own.set(name, value);
  }
  for (const [name, value] of Object.entries(forwarded.headers)) own.set(name, value);
  return own;
};
