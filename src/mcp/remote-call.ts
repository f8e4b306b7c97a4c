import { type JsonObject, isObject } from '../core/json-object.ts';
import { type CallToolResult, ProtocolError } from '@modelcontextprotocol/server';
import { shortText } from '../core/plain-text.ts';
import { ok } from '../core/result.ts';
import { nowSeconds } from '../core/clock.ts';
import type { FetcherOf } from '../gateway/dispatch.ts';
import type { PaidRequest } from '../gateway/paid-request.ts';
import {
  changedReason,
  type RemoteCaller,
  type RemoteInput,
  runRemoteTool,
  type SoldRemoteTool,
} from '../gateway/remote-tool.ts';
import type { Reason } from '../protocol/problem/reason.ts';
import { answerMeta, RESULT_META_KEY, STATUS_KEY } from './answer-meta.ts';
import { callResult, textOf } from './call-result.ts';
import { inputMembers } from './call-payload.ts';
import type { McpCall, McpContext } from './context.ts';

/** A call to a tool of a remote MCP server. `callTool` loads this code with the first one. */
export type RemoteCall = {
  /** Why the gateway does not sell the tool now. */
  readonly changed: Reason | undefined;
  readonly run: PaidRequest['run'];
  /** Translates the HTTP answer of the call. */
  readonly resultOf: (answer: Response, uri: string) => Promise<CallToolResult>;
};

/**
 * @param headers of the POST that the server may get
 * @param fetcherOf opens the fetcher that carries the tool's secrets; undefined for a tool without secrets
 */
export const openRemoteCall = (
  { gateway, message }: McpContext,
  tool: SoldRemoteTool,
  headers: Headers,
  given: JsonObject,
  mcpCall: McpCall,
  fetcherOf: FetcherOf | undefined,
): RemoteCall => {
  const members = inputMembers(message.params);
  const caller = remoteCaller(headers, { arguments: given, ...members }, mcpCall);
  return {
    changed: changedReason(gateway, tool, nowSeconds()),
    run: runRemoteTool(gateway, tool, caller, fetcherOf),
    resultOf: async (answer, uri) => await remoteResult(answer, uri, mcpCall, members),
  };
};

/**
 * The caller of a remote tool. The server learns the caller's capabilities, but not its extensions, because the gateway pays no other
 * server.
 */
const remoteCaller = (
  headers: Headers,
  input: RemoteInput,
  { capabilities, logLevel, notify }: McpCall,
): RemoteCaller => ({
  headers,
  inputOf: () => ok(input),
  capabilities: Object.fromEntries(
    INPUTS.flatMap((name) => (name in capabilities ? [[name, capabilities[name]]] : [])),
  ),
  ...(logLevel === undefined ? {} : { logLevel }),
  onNotification: (method, params) => {
    const passed = method === PROGRESS ? progressOf(params) : logOf(method, params, logLevel);
    if (passed !== undefined) void notify(method, passed).catch(() => undefined);
  },
});

/** Capabilities of the client that a tool may use (MCP 2026-07-28, `input_required`). */
const INPUTS = ['elicitation', 'sampling', 'roots'] as const;

const PROGRESS = 'notifications/progress';
const LOG = 'notifications/message';
const MAX_TEXT = 1_024;
const MAX_LOG = 8 * 1_024;
/** The least urgent levels come first (RFC 5424). */
const LEVELS = [
  ...['debug', 'info', 'notice', 'warning'],
  ...['error', 'critical', 'alert', 'emergency'],
];

const progressOf = ({ progress, total, message }: JsonObject): JsonObject | undefined =>
  typeof progress === 'number' && Number.isFinite(progress)
    ? {
        progress,
        ...(typeof total === 'number' && Number.isFinite(total) ? { total } : {}),
        ...(typeof message === 'string' ? { message: shortText(message, MAX_TEXT) } : {}),
      }
    : undefined;

const logOf = (
  method: string,
  { level, logger, data }: JsonObject,
  wanted: string | undefined,
): JsonObject | undefined => {
  if (method !== LOG || wanted === undefined || data === undefined) return undefined;
  if (typeof level !== 'string' || LEVELS.indexOf(level) < LEVELS.indexOf(wanted)) return undefined;
  if (!LEVELS.includes(level) || JSON.stringify(data).length > MAX_LOG) return undefined;
  return { level, data, ...(typeof logger === 'string' ? { logger: shortText(logger, 128) } : {}) };
};

/** Errors that the client's own protocol code handles, not its model: a missing capability, and a state that the server rejects. */
const isForClient = (code: unknown, members: JsonObject): boolean =>
  code === -32_021 || (code === -32_602 && Object.keys(members).length > 0);

/**
 * Translates the HTTP answer of a call to a remote tool: the server's own result, with payment response and receipt of the gateway.
 *
 * @throws ProtocolError for an error that the client must see as one
 */
const remoteResult = async (
  answer: Response,
  uri: string,
  { takesInput }: McpCall,
  members: JsonObject,
): Promise<CallToolResult> => {
  if (!/^application\/json\b/.test(answer.headers.get('content-type') ?? '')) {
    const refused = await callResult(answer, uri);
    const { structuredContent } = refused;
    const error = isObject(structuredContent) ? structuredContent['error'] : undefined;
    if (isObject(error) && isForClient(error['code'], members)) {
      throw new ProtocolError(Number(error['code']), String(error['message']), error['data']);
    }
    return refused;
  }
  // The gateway wrote this JSON itself (`runRemoteTool`).
  const result = (await answer.json()) as CallToolResult & JsonObject;
  const meta = {
    ...result._meta,
    ...answerMeta(answer.headers),
    [STATUS_KEY]: answer.status,
    [RESULT_META_KEY]: Object.keys(result._meta ?? {}),
  };
  const stated = { ...result, _meta: meta };
  if (result['resultType'] !== 'input_required') return stated;
  if (takesInput) return { ...stated, _meta: { ...meta, 'countersign/hint': INPUT_HINT } };
  // Otherwise the SDK would call the tool again by itself, each time as a new call.
  const { [RESULT_META_KEY]: _, ...ofGateway } = meta;
  return { isError: true, content: [textOf(NO_INPUT)], _meta: ofGateway };
};

const INPUT_HINT =
  'The tool requires input first. The gateway charged nothing. The call with inputResponses and requestState is a new call with a proof of its own, which covers both.';
const NO_INPUT =
  'The tool requires input from the client, which only clients of MCP 2026-07-28 can give. The gateway charged nothing.';
