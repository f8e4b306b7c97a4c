import type { Catalogue } from '../catalog/catalogue.ts';
import type { Tool } from '../catalog/tool.ts';
import { isRemote } from '../catalog/upstream.ts';
import type { Seconds } from '../core/clock.ts';
import type { Gateway } from '../gateway/gateway.ts';
import type { NoProof, Proof } from '../gateway/proof.ts';

/** A tool that the caller may use. */
export type VisibleTool = { readonly tool: Tool };

/** Tools by MCP name, which is the tool's id, in the order of a list. */
export type VisibleTools = ReadonlyMap<string, VisibleTool>;

/**
 * Returns the tools that a caller sees over MCP. Every other tool is unknown to it, in lists and in calls.
 *
 * @param proof as the request carries it, not verified.
 */
export const visibleTools = async (
  gateway: Gateway,
  _proof: Proof | NoProof,
  now: Seconds,
): Promise<VisibleTools> => publicTools(await gateway.catalogue.current(now, gateway.waitUntil));

/** One computation for each version of the catalogue. */
const known = new WeakMap<Catalogue, VisibleTools>();

const publicTools = (catalogue: Catalogue): VisibleTools => {
  const there = known.get(catalogue);
  if (there !== undefined) return there;
  const tools = [...catalogue.tools.values()]
    .flatMap(({ tool, disabled, fault }) =>
      tool === undefined || disabled || fault !== undefined || !isCallable(tool) ? [] : tool,
    )
    .toSorted((a, b) => (a.id < b.id ? -1 : 1));
  const visible = new Map(tools.map((tool) => [tool.id, { tool }]));
  known.set(catalogue, visible);
  return visible;
};

/** True if arguments determine the HTTP request: not for a tool of any method, or of any path below a prefix. */
const isCallable = (tool: Tool): boolean =>
  !isRemote(tool) && tool.method !== '*' && !tool.path.endsWith('/*');
