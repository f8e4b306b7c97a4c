import { expect } from 'vitest';
import { canonicalJson } from '../../../src/core/canonical-json.ts';
import { sha256Hex, utf8 } from '../../../src/crypto/bytes.ts';
import type { Gateway } from '../../../src/gateway/gateway.ts';
import { serveMcp } from '../../../src/mcp/endpoint.ts';
import type { AgentIntent, SignedIntent } from '../../../src/protocol/intent/agent-intent.ts';
import { intentFields } from '../../../src/protocol/intent/agent-intent.ts';
import { intentFor, paying, signIntent } from '../gateway/signing.ts';

export const ORIGIN = 'https://gw.example';

type Json = Readonly<Record<string, unknown>>;

/** The answer to a JSON-RPC request. */
export type Rpc = {
  readonly status: number;
  readonly result?: {
    readonly isError?: boolean;
    readonly content: readonly { readonly type: string; readonly text?: string }[];
    readonly structuredContent?: Json;
    readonly _meta?: Json;
    readonly [member: string]: unknown;
  };
  readonly error?: { readonly code: number; readonly message: string; readonly data?: Json };
};

/** Parses an answer in either form: JSON, or an event stream with one message. */
export const readRpc = async (answer: Response): Promise<Rpc> => {
  const text = await answer.text();
  const [, data = text] = /^data: (\{.*\})$/m.exec(text) ?? [];
  return { status: answer.status, ...(JSON.parse(data) as Json) };
};

export const requestOf = (body: unknown, headers: Readonly<Record<string, string>> = {}) =>
  new Request(`${ORIGIN}/mcp`, {
    method: 'POST',
    headers: {
      'Content-Type': 'application/json',
      Accept: 'application/json, text/event-stream',
      ...headers,
    },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });

/** Sends a request of the 2025 revisions, which need no headers and no `_meta`. */
export const send = async (
  gateway: Gateway,
  method: string,
  params: Json = {},
  headers: Readonly<Record<string, string>> = {},
): Promise<Rpc> =>
  await readRpc(
    await serveMcp(
      { ok: true, value: gateway },
      requestOf({ jsonrpc: '2.0', id: 1, method, params }, headers),
    ),
  );

const VERSION = '2026-07-28';

/** Sends a request of revision 2026-07-28. */
export const sendModern = async (
  gateway: Gateway,
  method: string,
  params: Json & { readonly name?: string } = {},
  capabilities: Json = {},
): Promise<Rpc> => {
  const _meta = {
    ...(params['_meta'] as Json | undefined),
    'io.modelcontextprotocol/protocolVersion': VERSION,
    'io.modelcontextprotocol/clientCapabilities': capabilities,
  };
  return await send(
    gateway,
    method,
    { ...params, _meta },
    {
      'MCP-Protocol-Version': VERSION,
      'Mcp-Method': method,
      ...(params.name === undefined ? {} : { 'Mcp-Name': params.name }),
    },
  );
};

export const callOf = (given: Json, meta: Json = {}, name = 'translate') => ({
  name,
  arguments: given,
  _meta: meta,
});

/** Signs an intent that pays for a call from credit. */
export const intentOf = async (
  name: string,
  given: Json,
  fields: Partial<AgentIntent> = paying(20_000n),
): Promise<SignedIntent> =>
  await signIntent(
    intentFor(
      {
        audience: ORIGIN,
        tool: name,
        method: 'tools/call',
        target: '/mcp',
        contentType: '',
        payloadDigest: sha256Hex(utf8(canonicalJson({ arguments: given, name }))),
      },
      fields,
    ),
  );

/** An intent in the form of `_meta["countersign/intent"]`. */
export const wire = ({ chainId, intent, signature }: SignedIntent) => ({
  v: 1,
  chainId: String(chainId),
  intent: intentFields(intent),
  signature,
});

/** Expects a refusal by the gateway, and returns its problem. */
export const problemIn = ({ status, result }: Rpc, kind: string): Json => {
  expect({ status, isError: result?.isError }).toEqual({ status: 200, isError: true });
  const problem = result?.structuredContent ?? {};
  expect(problem['type']).toBe(`urn:countersign:problem:${kind}`);
  const [words] = result?.content ?? [];
  expect(words?.text).toContain(problem['hint']);
  return problem;
};
