import type { Hex } from '../core/hex.ts';
import { termsHash, type ToolTerms } from '../protocol/tool-terms.ts';
import type { Tool } from './tool.ts';

/** The terms of a tool with their hash, which is computed once for each version of the tool. */
export type HashedTerms = { readonly hash: Hex; readonly document: ToolTerms };

const known = new WeakMap<Tool, HashedTerms>();

/** Returns the statement about a tool's price in the log of the gateway's account (docs/wire-format.md §15). */
export const termsOf = (tool: Tool): HashedTerms => {
  const before = known.get(tool);
  if (before !== undefined) return before;
  const { id, price, pricing, meter, asset, settlement, onSilence } = tool;
  // Terms without their rates would be those of another price.
  if (tool.meteredPrice !== undefined && meter === undefined) throw new Error('unread meter');
  const document: ToolTerms = {
    tool: id,
    price: price.toString(),
    pricing,
    ...(meter === undefined ? {} : { meter }),
    ...(asset === undefined ? {} : { asset }),
    settlement,
    onSilence,
    timeoutSeconds: tool.timeoutSeconds,
    ...(tool.streamSeconds === undefined ? {} : { streamSeconds: tool.streamSeconds }),
    requireBinding: tool.requireBinding,
    params: tool.params,
  };
  const hashed = { hash: termsHash(document), document };
  known.set(tool, hashed);
  return hashed;
};
