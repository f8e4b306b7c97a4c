import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import type { LocalAccount } from 'viem';
import { expect } from 'vitest';
import { canonicalJson } from '../../../src/core/canonical-json.ts';
import type { AgentIntent } from '../../../src/protocol/intent/agent-intent.ts';
import { intentFields } from '../../../src/protocol/intent/agent-intent.ts';
import { BOUND_VALID_AFTER } from '../../../src/protocol/intent/binding.ts';
import { randomNonce, signAuthorization } from '../../../dev/stack/authorization.ts';
import { usdc } from '../../../dev/stack/chain-access.ts';
import { payloadOf } from '../../support/payment-header.ts';
import { digestOf, intentFor } from './intent.ts';
import { type Accepted, advertOf, type Offered } from './offer.ts';
import { nowSeconds, type Terms } from './payment.ts';
import { claimsOf } from './receipt.ts';
import type { ToolCall, World } from './world.ts';

export type Json = Readonly<Record<string, unknown>>;

/** A call of a tool by its MCP name. */
export type McpToolCall = { readonly name: string; readonly arguments: Json };

export const translateByMcp: McpToolCall = {
  name: 'translate',
  arguments: { text: 'good morning', to: 'fr' },
};
export const lookupByMcp: McpToolCall = { name: 'lookup', arguments: { word: 'river' } };
export const whoamiByMcp: McpToolCall = { name: 'whoami', arguments: {} };

/** A result of `tools/call`. */
export type CallResult = {
  readonly isError?: boolean;
  readonly content: readonly { readonly type: string; readonly text?: string }[];
  readonly structuredContent?: Json;
  readonly _meta?: Json;
};

export const endpointOf = ({ stack }: World): URL => new URL('/mcp', stack.description.gateway);

/** Connects a client of the official SDK, as a host would. It starts with `initialize`. */
export const connect = async (
  world: World,
  headers: Readonly<Record<string, string>> = {},
): Promise<Client> => {
  const client = new Client({ name: 'test', version: '1' });
  await client.connect(
    new StreamableHTTPClientTransport(endpointOf(world), { requestInit: { headers } }),
  );
  return client;
};

/** The answer to one message that a test sent without an MCP client. */
export type RawAnswer = {
  readonly status: number;
  readonly result?: CallResult & Json;
  readonly error?: { readonly code: number; readonly message: string };
};

/** Posts a body unchanged. */
export const postRaw = async (
  world: World,
  body: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<RawAnswer> => {
  const answer = await fetch(endpointOf(world), {
    method: 'POST',
    headers: {
      'Content-Type': 'application/json',
      Accept: 'application/json, text/event-stream',
      ...headers,
    },
    body,
  });
  const text = await answer.text();
  const [, data = text] = /^data: (\{.*\})$/m.exec(text) ?? [];
  return { status: answer.status, ...(JSON.parse(data) as Json) };
};

/** Calls a tool without an MCP client, with a proof in `_meta` or in the headers. */
export const callRaw = async (
  world: World,
  call: McpToolCall,
  meta: Json = {},
  headers: Readonly<Record<string, string>> = {},
): Promise<RawAnswer> =>
  await postRaw(
    world,
    JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: { ...call, _meta: meta },
    }),
    headers,
  );

/** The terms of a call, as its unpaid answer states them. */
export const termsOf = async (world: World, call: McpToolCall): Promise<Offered> => {
  const { result } = await callRaw(world, call);
  expect(result?.isError).toBe(true);
  return result?.structuredContent as unknown as Offered;
};

/** The request that an intent for this call signs: docs/wire-format.md §18. */
export const asSigned = ({ name, arguments: given }: McpToolCall): ToolCall => ({
  path: '/mcp',
  method: 'tools/call',
  body: canonicalJson({ arguments: given, name }),
});

/** A payment payload of x402 version 2. */
export type PaymentPayload = {
  readonly x402Version: 2;
  readonly accepted: Accepted;
  readonly payload: ReturnType<typeof payloadOf>;
  readonly extensions?: Json;
};

/** Signs the payment that the unpaid answer asks for. `terms` override it. */
export const payFor = async (
  world: World,
  account: LocalAccount,
  call: McpToolCall,
  terms: Terms = {},
): Promise<PaymentPayload> => {
  const [accepted] = (await termsOf(world, call)).accepts;
  const signed = await signAuthorization({
    account,
    token: usdc,
    to: terms.to ?? accepted.payTo,
    value: terms.value ?? BigInt(accepted.amount),
    validAfter: BigInt(terms.validAfter ?? 0),
    validBefore: BigInt(terms.validBefore ?? nowSeconds() + accepted.maxTimeoutSeconds),
    nonce: terms.nonce ?? randomNonce(),
  });
  return { x402Version: 2, accepted, payload: payloadOf(signed) };
};

/** Signs a payment that is bound to a call, with its intent. */
export const payBound = async (
  world: World,
  account: LocalAccount,
  call: McpToolCall,
  fields: Partial<AgentIntent> = {},
): Promise<PaymentPayload & { readonly intent: AgentIntent }> => {
  const terms = await termsOf(world, call);
  const [{ payTo, asset, amount }] = terms.accepts;
  const intent = intentFor(world, account.address, asSigned(call), {
    tool: call.name,
    payTo: payTo.toLowerCase() as `0x${string}`,
    asset: asset.toLowerCase() as `0x${string}`,
    maxAmount: BigInt(amount),
    ...fields,
  });
  const payment = await payFor(world, account, call, {
    nonce: digestOf(intent),
    validAfter: Number(BOUND_VALID_AFTER),
  });
  const info = { ...advertOf(terms), intent: intentFields(intent) };
  return { ...payment, extensions: { 'agent-intent': { info } }, intent };
};

/** The claims of a result's verified receipt. */
export const receiptIn = async (world: World, { _meta }: CallResult) => {
  const receipt = String(_meta?.['countersign/receipt']);
  return await claimsOf(world, new Response(null, { headers: { 'Agent-Receipt': receipt } }));
};

/** The kind of the problem in a refusal. */
export const refusalIn = ({ status, result }: RawAnswer): string => {
  expect({ status, isError: result?.isError }).toEqual({ status: 200, isError: true });
  return String(result?.structuredContent?.['type']).replace('urn:countersign:problem:', '');
};
