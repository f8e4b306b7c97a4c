import { ProtocolError } from '@modelcontextprotocol/server';
import { validateArguments } from '../catalog/arguments.ts';
import { requestOf, type ToolRequest } from '../catalog/tool-request.ts';
import type { Tool } from '../catalog/tool.ts';
import { canonicalJson } from '../core/canonical-json.ts';
import { nowSeconds } from '../core/clock.ts';
import { utf8 } from '../crypto/bytes.ts';
import { nativeSha256 } from '../crypto/native-crypto.ts';
import { boundTo, servePaidRequest } from '../gateway/call.ts';
import { dispatch } from '../gateway/dispatch.ts';
import type { PaidRequest } from '../gateway/paid-request.ts';
import { readProof } from '../gateway/proof.ts';
import { signAssertion } from '../gateway/upstream-headers.ts';
import type { FieldFault } from '../protocol/fault.ts';
import type { Reason } from '../protocol/problem/reason.ts';
import { type CallResult, callResult, refusal, unpaidResult } from './call-result.ts';
import { type McpCall, type McpContext, MCP_PATH } from './context.ts';
import { MAX_MESSAGE } from './guard.ts';
import type { JsonObject } from './message.ts';
import { termsOf } from './terms.ts';
import { visibleTools } from './visible-tools.ts';

/** The longest answer of a tool, bytes: MCP results are whole messages. */
export const MAX_ANSWER = 1024 * 1024;

/**
 * Calls a tool: the steps of `servePaidRequest`, with the request that docs/wire-format.md §18 defines. The payload is the JCS form of name
 * and arguments, so `1.0` and `1` are one call.
 *
 * @throws ProtocolError -32602 for a name that the caller does not see.
 */
export const callTool = async (
  context: McpContext,
  name: string,
  given: JsonObject,
  mcpCall: McpCall,
): Promise<CallResult> => {
  const { gateway, headers, audience } = context;
  if (gateway.config.paused) return await refusal({ reason: 'paused' });
  const proof = headers.ok ? readProof(headers.value) : undefined;
  const tools = await visibleTools(
    gateway,
    proof?.ok === true ? proof.value : { kind: 'none' },
    nowSeconds(),
  );
  const tool = tools.get(name)?.tool;
  if (tool === undefined) throw new ProtocolError(-32602, `Unknown tool: ${name}`);
  if (!headers.ok) return await refusal(headers.error);
  const valid = await validateArguments(tool, given);
  if (!valid.ok) return await refusal(malformed(valid.error));
  const forwarded = requestOf(tool, given);
  if (!forwarded.ok) return await refusal(malformed(forwarded.error));

  const answer = await servePaidRequest(
    gateway,
    paidRequestOf(context, tool, headers.value, given, forwarded.value),
  );
  if (answer.status === UNPAID) {
    const terms = termsOf(gateway.config, tool, audience);
    if (terms === undefined) return await refusal({ reason: 'internal' });
    return mcpCall.takesPaymentRequired
      ? { resultType: 'payment_required', paymentRequired: terms.version2, content: [] }
      : unpaidResult(terms);
  }
  return await callResult(answer, `mcp://tool/${tool.id}/answer`);
};

const malformed = ([fault]: readonly FieldFault[]): Reason => ({
  reason: 'malformed_request',
  field: fault?.field ?? 'arguments',
  hint: fault?.reason ?? 'are not valid',
});

/** The gateway's own status: `dispatch` never passes on the 402 of a tool. */
const UNPAID = 402;

const paidRequestOf = (
  { gateway, request, audience }: McpContext,
  tool: Tool,
  headers: Headers,
  given: JsonObject,
  forwarded: ToolRequest,
): PaidRequest => {
  const body = utf8(canonicalJson({ arguments: given, name: tool.id }));
  return {
    // The tool's own limit is for the body that it gets, which `requestOf` has checked.
    tool: { ...tool, maxBodyBytes: MAX_MESSAGE },
    head: {
      audience,
      tool: tool.id,
      method: 'tools/call',
      target: MCP_PATH,
      contentType: '',
    },
    request: new Request(request.url, {
      method: 'POST',
      headers: headersOfCall(headers, body.byteLength),
      body: body as Uint8Array<ArrayBuffer>,
    }),
    paramsIn: forwarded,
    run: async (received, checked, { call: reserved, attempt }) => {
      const sent = {
        ...received,
        ...forwarded,
        payloadDigest: nativeSha256(forwarded.body ?? new Uint8Array(0)),
      };
      return await dispatch(gateway.config, tool, sent, {
        headers: headersOfTool(headers, tool, forwarded),
        assertion: signAssertion(gateway, tool, sent, checked, attempt),
        maxCharge: reserved.price,
        service: boundTo(gateway, tool),
        readWhole: MAX_ANSWER,
      });
    },
  };
};

/** The headers of the POST name the client and carry its proof. Those that describe its body and answer concern the MCP message. */
const headersOfCall = (headers: Headers, length: number): Headers => {
  const own = new Headers(headers);
  own.delete('accept');
  own.delete('content-type');
  own.set('content-length', length.toString());
  return own;
};

/** Forwarded besides what the tool asks for. The other headers of the POST, e.g. `Accept` and `Range`, concern the MCP message. */
const FORWARDED = ['user-agent', 'traceparent', 'accept-language'];

const headersOfTool = (headers: Headers, tool: Tool, forwarded: ToolRequest): Headers => {
  const own = new Headers({ Accept: '*/*' });
  for (const name of [...FORWARDED, ...tool.requestHeaders]) {
    const value = headers.get(name);
    if (value !== null) own.set(name, value);
  }
  for (const [name, value] of Object.entries(forwarded.headers)) own.set(name, value);
  return own;
};
