import { ProtocolError, type Tool as ListedTool } from '@modelcontextprotocol/server';
import type { Tool } from '../catalog/tool.ts';
import type { Config } from '../config/config.ts';
import { nowSeconds } from '../core/clock.ts';
import { clientOf } from '../gateway/rate-limit.ts';
import { callPrice } from '../gateway/metered-offer.ts';
import { type PublicTool, publicTool } from '../gateway/public-tool.ts';
import { meterWords } from '../protocol/meter/meter-words.ts';
import { problemOf, type Reason } from '../protocol/problem/reason.ts';
import type { McpContext } from './context.ts';
import { MAX_LISTED, META_TOOLS } from './meta-tools.ts';
import { listingTool } from './reading-tools.ts';
import { readerOf } from './reader.ts';
import { remainingFor } from './remaining.ts';
import { type View, visibleTools } from './visible-tools.ts';

/**
 * Returns the tools that the caller sees, each with its price and the remaining calls of the caller's limits; for a large catalogue the
 * tools that search it. Only visible tools count towards its size, so the form of a list reveals nothing either.
 *
 * @throws ProtocolError if the request carries a proof that does not sign this request.
 */
export const listTools = async (context: McpContext): Promise<ListedTool[]> => {
  const { gateway, request } = context;
  const now = nowSeconds();
  const reader = readerOf(context, listingTool, now);
  if (!reader.ok) throw refusedList(reader.error);
  const view = await visibleTools(gateway, reader.value, clientOf(request.headers), now);
  if (!view.ok) throw refusedList(view.error);
  return isLarge(gateway.config, view.value)
    ? [...META_TOOLS]
    : [...view.value.tools.values()].map((tool) => listEntryFor(gateway.config, tool, view.value));
};

const isLarge = ({ mcpTools }: Config, { tools }: View): boolean =>
  mcpTools === 'search' || (mcpTools === 'auto' && tools.size > MAX_LISTED);

/** `tools/list` has no results with `isError`, so its refusal is a JSON-RPC error that carries the problem. */
const refusedList = (reason: Reason): ProtocolError => {
  const { members } = problemOf(reason);
  const code = members.status >= 500 ? -32603 : -32602;
  return new ProtocolError(code, `${members.title}: ${members.detail} ${members.hint}`, members);
};

/** Returns the entry of a tool for a caller, with the remaining calls of its tightest limit. */
export const listEntryFor = (config: Config, tool: Tool, { rights }: View): ListedTool => {
  const described = listEntry(publicTool(config, tool), tool);
  const remaining = rights && remainingFor(tool, rights);
  return remaining === undefined
    ? described
    : { ...described, _meta: { ...described._meta, 'countersign/remaining': remaining } };
};

/**
 * Returns the public entry of a tool. A priced tool has no `outputSchema`: clients would check the terms of an unpaid call against it and drop them
 * (docs/mcp.md).
 */
export const listEntry = (
  tool: PublicTool,
  { inputSchema }: Pick<Tool, 'inputSchema'>,
): ListedTool => ({
  name: tool.id,
  description: `${tool.description} ${priceWords(tool)}`,
  inputSchema: { ...inputSchema, type: 'object' },
  _meta: priceMeta(tool),
});

/** Hosts show a model the description and not `_meta`, so the price is in both. */
const priceWords = (tool: PublicTool): string =>
  tool.price === 0n
    ? '(free)'
    : `(${callPrice(tool)}${tool.asset === undefined ? '' : ', from a card'})`;

const priceMeta = ({ price, dollars, pricing, meter, settlement, binding, asset }: PublicTool) => ({
  'countersign/price': {
    amount: price.toString(),
    usd: dollars.slice(1),
    ...(asset === undefined ? {} : { asset }),
    pricing,
    ...(meter === undefined ? {} : { rates: meterWords(meter, price) }),
    settlement,
    binding,
  },
  // The names that Cloudflare's `agents` gives its own paid tools. Its client pays in tokens, which a card tool does not accept.
  ...(price === 0n || asset !== undefined
    ? {}
    : {
        'agents-x402/paymentRequired': true,
        'agents-x402/priceUSD': Number(price) / 1_000_000,
      }),
});
