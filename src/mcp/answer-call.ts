import type { JsonObject } from '../core/json-object.ts';
import { err, ok, type Result } from '../core/result.ts';
import { nowSeconds } from '../core/clock.ts';
import type { Reason } from '../protocol/problem/reason.ts';
import { type CallResult, refusal, unknownTool } from './call-result.ts';
import { callTool } from './call-tool.ts';
import { mayLearnOf } from './concealment.ts';
import type { McpCall, McpContext } from './context.ts';
import { isMetaTool, readCallArguments } from './meta-tools.ts';
import { publicTools } from './visible-tools.ts';

/**
 * Answers `tools/call`: a tool of the catalogue, by its name or through `call_tool`, or one of the gateway's own tools.
 *
 * @throws ProtocolError -32602 for a name that the caller does not see.
 */
export const answerCall = async (
  context: McpContext,
  name: string,
  given: JsonObject,
  mcpCall: McpCall,
): Promise<CallResult> => {
  if (name === 'call_tool') {
    const inner = innerCall(given);
    return inner.ok
      ? await answerSold(context, inner.value.name, inner.value.given, mcpCall)
      : await refusal(inner.error);
  }
  if (isMetaTool(name)) {
    const { readCatalogue } = await import('./read-catalogue.ts');
    return await readCatalogue(context, name, given);
  }
  return await answerSold(context, name, given, mcpCall);
};

/** The call inside `call_tool`: it is bound, priced, limited and logged as if its caller had named the tool itself. */
const innerCall = (
  given: JsonObject,
): Result<{ readonly name: string; readonly given: JsonObject }, Reason> => {
  const inner = readCallArguments(given);
  if (!inner.ok) return inner;
  return isMetaTool(inner.value.name)
    ? err({
        reason: 'malformed_request',
        field: 'arguments.name',
        hint: 'must be a tool of the catalogue: call the tools of the gateway itself by their names',
      })
    : ok({ name: inner.value.name, given: inner.value.arguments ?? {} });
};

const answerSold = async (
  context: McpContext,
  name: string,
  given: JsonObject,
  mcpCall: McpCall,
): Promise<CallResult> => {
  const { gateway, headers } = context;
  // A paused gateway refuses calls of every name alike. Requests that read the catalogue or the limits still work.
  if (gateway.config.paused) return await refusal({ reason: 'paused' });
  if (!headers.ok) return await refusal(headers.error);
  const catalogue = await gateway.catalogue.current(nowSeconds(), gateway.waitUntil);
  const tool = publicTools(catalogue).get(name);
  const called = tool && (await callTool(context, tool, headers.value, given, mcpCall));
  if (called !== undefined && called.refused === undefined) return called.result;
  // The account has just decided that its policies do not allow the tool.
  if (called?.refused?.rule === 'tool') throw unknownTool(name);
  const mayLearn = await mayLearnOf(context, headers.value, name, given);
  if (!mayLearn.ok) return await refusal(mayLearn.error);
  if (called === undefined || !mayLearn.value) throw unknownTool(name);
  return called.result;
};
