import type { JsonObject } from '../core/json-object.ts';
import type { CallToolResult } from '@modelcontextprotocol/server';
import type { Tool } from '../catalog/tool.ts';
import { nowSeconds } from '../core/clock.ts';
import { err, ok, type Result } from '../core/result.ts';
import { clientOf } from '../gateway/rate-limit.ts';
import { challengeOf } from '../gateway/request-proof.ts';
import { publicTool } from '../gateway/public-tool.ts';
import { limitBody } from '../protocol/account/denial.ts';
import type { Rights } from '../protocol/account/rights.ts';
import type { Reason } from '../protocol/problem/reason.ts';
import { refusal, textOf, unknownTool } from './call-result.ts';
import type { McpContext } from './context.ts';
import { listEntry, listEntryFor } from './list-tools.ts';
import { readDescribeArguments, readSearchArguments, readSpendingArguments } from './meta-tools.ts';
import { describeTool, searchTool, spendingTool } from './reading-tools.ts';
import { readerOf, requestOf } from './reader.ts';
import { searchTools } from './search-tools.ts';
import { type View, visibleTools } from './visible-tools.ts';

type Answer = Promise<Result<JsonObject, Reason>>;

/**
 * Answers the gateway's own tools that only read: `search_tools`, `describe_tool` and `spending`.
 *
 * @throws ProtocolError -32602 if `describe_tool` names a tool that the caller does not see.
 */
export const readCatalogue = async (
  context: McpContext,
  name: string,
  given: JsonObject,
): Promise<CallToolResult> => {
  const answer = await (ANSWERS[name] ?? spending)(context, given);
  return answer.ok
    ? { content: [textOf(JSON.stringify(answer.value))], structuredContent: answer.value }
    : await refusal(answer.error);
};

const search = async (context: McpContext, given: JsonObject): Answer => {
  const asked = readSearchArguments(given);
  if (!asked.ok) return asked;
  const view = await viewFor(context, searchTool);
  if (!view.ok) return view;
  const { matches, ids } = searchTools(view.value, asked.value.query, asked.value.limit);
  const tools = ids.flatMap((id) => {
    const tool = view.value.tools.get(id);
    if (tool === undefined) return [];
    const { name, description } = listEntry(publicTool(context.gateway.config, tool), tool);
    return { name, description };
  });
  return ok({ matches, tools });
};

const describe = async (context: McpContext, given: JsonObject): Answer => {
  const asked = readDescribeArguments(given);
  if (!asked.ok) return asked;
  const view = await viewFor(context, describeTool);
  if (!view.ok) return view;
  const tool = view.value.tools.get(asked.value.name);
  if (tool === undefined) throw unknownTool(asked.value.name);
  return ok({ tool: listEntryFor(context.gateway.config, tool, view.value) });
};

const spending = async (context: McpContext, given: JsonObject): Answer => {
  const asked = readSpendingArguments(given);
  if (!asked.ok) return asked;
  const view = await viewFor(context, spendingTool);
  if (!view.ok) return view;
  const { rights } = view.value;
  // Limits belong to an account, so this tool has no answer for a stranger.
  return rights === undefined
    ? err(challengeOf(context.gateway.config, requestOf(spendingTool, context.audience)))
    : ok(spendingBody(rights));
};

const ANSWERS: Readonly<Record<string, typeof search>> = {
  search_tools: search,
  describe_tool: describe,
  spending,
};

const viewFor = async (context: McpContext, tool: Tool): Promise<Result<View, Reason>> => {
  const now = nowSeconds();
  const reader = readerOf(context, tool, now);
  return reader.ok
    ? await visibleTools(context.gateway, reader.value, clientOf(context.request.headers), now)
    : reader;
};

/** The wire form of `spending`. It lists known members only, so that a new internal field does not leak. */
const spendingBody = ({
  account,
  asset,
  stopped,
  perCall,
  limits,
  credit,
  debt,
}: Rights): JsonObject => ({
  account,
  asset,
  ...(stopped === undefined
    ? {}
    : {
        stopped: {
          rule: stopped.rule,
          account: stopped.account,
          ...(stopped.retryAfter === undefined ? {} : { retry_after: stopped.retryAfter }),
        },
      }),
  ...(perCall === undefined ? {} : { per_call: perCall }),
  limits: limits.map(limitBody),
  credit,
  debt,
});
