import { canonicalJson } from '../../core/canonical-json.ts';
import { bodyDigest, decodeUtf8, utf8 } from '../../crypto/bytes.ts';
import { isRecord, readJson } from '../json.ts';
import type { Outgoing } from '../outgoing.ts';

/** A `tools/call` of MCP: the POST that carries it, and its JSON-RPC id. */
export type ToolCall = {
  /** The signed request: not the POST, but the call in it (docs/wire-format.md §18). */
  readonly outgoing: Outgoing;
  readonly id: string | number;
};

/** The gateway's tool that calls another one. The inner call is what runs and costs, so it is what the client signs (docs/mcp.md). */
const CALL_TOOL = 'call_tool';

/**
 * Reads a request of an MCP transport.
 *
 * @param post the request as `readOutgoing` has read it
 * @returns undefined for every message but a `tools/call`
 */
export const toolCallOf = async (post: Outgoing): Promise<ToolCall | undefined> => {
  if (post.method !== 'POST' || post.body === undefined) return undefined;
  const text = decodeUtf8(post.body);
  const message = text === undefined ? undefined : readJson(text);
  if (!isRecord(message) || message['method'] !== 'tools/call') return undefined;
  const { id, params } = message;
  if ((typeof id !== 'string' && typeof id !== 'number') || !isRecord(params)) return undefined;
  const called = innerCall(params);
  if (called === undefined) return undefined;
  const payload = new Uint8Array(utf8(canonicalJson({ ...inputMembers(params), ...called })));
  return {
    id,
    outgoing: {
      ...post,
      method: 'tools/call',
      contentType: '',
      payloadDigest: await bodyDigest(payload),
      resource: called.name,
    },
  };
};

/** Answers to a tool's request for input (MCP 2026-07-28), which the payer signs as well (docs/wire-format.md §18). */
const inputMembers = ({ inputResponses, requestState }: Readonly<Record<string, unknown>>) => ({
  ...(isRecord(inputResponses) ? { inputResponses } : {}),
  ...(typeof requestState === 'string' ? { requestState } : {}),
});

/** The id of a JSON-RPC request; with `isKnown`, only if its method is known. */
export const requestIdOf = (
  { method, body }: Outgoing,
  isKnown: (method: unknown) => boolean = () => true,
): string | number | undefined => {
  const text = method === 'POST' && body !== undefined ? decodeUtf8(body) : undefined;
  const message = text === undefined ? undefined : readJson(text);
  if (!isRecord(message) || !isKnown(message['method'])) return undefined;
  const { id } = message;
  return typeof id === 'string' || typeof id === 'number' ? id : undefined;
};

/** Requests that introduce the server: their answer holds its capabilities. */
export const isIntroduction = (method: unknown): boolean =>
  method === 'initialize' || method === 'server/discover';

type Called = { readonly arguments: object; readonly name: string };

const innerCall = (params: Readonly<Record<string, unknown>>): Called | undefined => {
  const called = calledBy(params);
  if (called?.name !== CALL_TOOL) return called;
  return calledBy(called.arguments as Readonly<Record<string, unknown>>) ?? called;
};

const calledBy = (params: Readonly<Record<string, unknown>>): Called | undefined => {
  const { name, arguments: given = {} } = params;
  return typeof name === 'string' && isRecord(given) ? { arguments: given, name } : undefined;
};
