import type { Tool as ListedTool } from '@modelcontextprotocol/server';
import type { Tool } from '../catalog/tool.ts';
import { nowSeconds } from '../core/clock.ts';
import { readProof } from '../gateway/proof.ts';
import { type PublicTool, publicTool } from '../gateway/public-tool.ts';
import type { McpContext } from './context.ts';
import { visibleTools } from './visible-tools.ts';

/** Returns the tools that the caller sees, each with its price. */
export const listTools = async ({ gateway, headers }: McpContext): Promise<ListedTool[]> => {
  const proof = headers.ok ? readProof(headers.value) : undefined;
  const tools = await visibleTools(
    gateway,
    proof?.ok === true ? proof.value : { kind: 'none' },
    nowSeconds(),
  );
  return [...tools.values()].map(({ tool }) => listed(publicTool(gateway.config, tool), tool));
};

/**
 * Describes a tool. A priced tool has no `outputSchema`: clients would check the terms of an unpaid call against it and drop them
 * (docs/mcp.md).
 */
export const listed = (
  tool: PublicTool,
  { inputSchema }: Pick<Tool, 'inputSchema'>,
): ListedTool => ({
  name: tool.id,
  description: `${tool.description} ${priceWords(tool)}`,
  inputSchema: { ...inputSchema, type: 'object' },
  _meta: priceMeta(tool),
});

/** Hosts show a model the description and not `_meta`, so the price is in both. */
const priceWords = ({ price, dollars, pricing }: PublicTool): string =>
  price === 0n ? '(free)' : `(${pricing === 'upto' ? 'at most ' : ''}${dollars} a call)`;

const priceMeta = ({ price, dollars, pricing, settlement, binding }: PublicTool) => ({
  'countersign/price': {
    amount: price.toString(),
    usd: dollars.slice(1),
    pricing,
    settlement,
    binding,
  },
  // The names that Cloudflare's `agents` gives its own paid tools.
  ...(price === 0n
    ? {}
    : {
        'agents-x402/paymentRequired': true,
        'agents-x402/priceUSD': Number(price) / 1_000_000,
      }),
});
