import type { Json } from '../protocol/entry.ts';
import { min } from '../protocol/amount.ts';
import type { FieldFault } from '../protocol/fault.ts';
import { err, ok, type Result } from '../core/result.ts';
import { routeKey } from './route.ts';
import { placeholderTool } from './gateway-tools.ts';
import { type Routes, routesOf } from './route.ts';
import { MAX_TOOLS, parseTool } from './schema.ts';
import {
  type ListedTool,
  toolHash,
  upstreamFault,
  type UpstreamSettings,
  type ToolDocument,
} from './tool-document.ts';
import type { Tool } from './tool.ts';

/** The tools of the deployed `tools.json`: parsed, and as JSON documents. */
export type DeployedTools = UpstreamSettings & {
  readonly tools: readonly Tool[];
  readonly documents: readonly Json[];
};

/** The tools that operators put (a document) or removed (undefined) since the deployment, by id. */
export type ToolChanges = ReadonlyMap<string, ToolDocument | undefined>;

/** One complete, immutable version of the catalogue. */
export type Catalogue = UpstreamSettings & {
  readonly routes: Routes;
  /** All tools by id, also those that are not served. Without hashes: only management needs an ETag. */
  readonly tools: ReadonlyMap<string, ToolDocument>;
  /** The id of the tool that holds a method and path (`routeKey`). */
  readonly holders: ReadonlyMap<string, string>;
};

/**
 * Applies the changes to the deployed tools. If two tools have the same method and path, the gateway serves the stored one. If both are
 * stored, because two operators put them concurrently, it serves the one whose id sorts first, so that every isolate serves the same.
 */
export const catalogueOf = (deployed: DeployedTools, changes: ToolChanges): Catalogue => {
  const stored = [...changes.values()]
    .filter((each) => each !== undefined)
    .toSorted((a, b) => (a.id < b.id ? -1 : 1));
  const file = deployed.tools.flatMap((tool, at) =>
    changes.has(tool.id)
      ? []
      : {
          id: tool.id,
          document: deployed.documents[at] ?? null,
          source: 'file' as const,
          disabled: tool.disabled,
          tool,
        },
  );
  const holders = new Map<string, string>();
  const tools = [...stored, ...file].map((each) => {
    if (each.tool === undefined) return each;
    const key = routeKey(each.tool);
    const holder = holders.get(key);
    if (holder !== undefined) return { ...each, fault: `path is served by tool ${holder}` };
    holders.set(key, each.id);
    return each;
  });
  return {
    routes: routesOf(tools.flatMap(routed)),
    tools: new Map(tools.map((each) => [each.id, each])),
    holders,
    upstreamUrl: deployed.upstreamUrl,
    reach: deployed.reach,
  };
};

/** A tool that is not served keeps its path reserved. Otherwise a cheaper wildcard tool would start serving the same upstream route. */
const routed = ({ id, document, tool, fault }: ToolDocument): readonly Tool[] => {
  if (tool !== undefined) return [fault === undefined ? tool : { ...tool, disabled: true }];
  const path = (document as { readonly path?: unknown } | null)?.path;
  return typeof path === 'string' ? [placeholderTool(id, path)] : [];
};

/** Returns all tools by id: served, disabled, and faulty. */
export const listTools = (catalogue: Catalogue): readonly ListedTool[] =>
  [...catalogue.tools.values()].map(hashed).toSorted((a, b) => (a.id < b.id ? -1 : 1));

/** Returns a tool as `listTools` does; undefined if there is none, or it was removed. */
export const findListed = (catalogue: Catalogue, id: string): ListedTool | undefined => {
  const found = catalogue.tools.get(id);
  return found === undefined ? undefined : hashed(found);
};

const hashed = (tool: ToolDocument): ListedTool => ({ ...tool, hash: toolHash(tool.document) });

/** Checks whether an operator may put a document under an id. The fields of faults are the document's own. */
export const checkPut = (
  catalogue: Catalogue,
  id: string,
  document: unknown,
): Result<Tool, readonly FieldFault[]> => {
  const parsed = parseTool(document, catalogue.reach);
  if (!parsed.ok) return parsed;
  const tool = parsed.value;
  const faults: FieldFault[] = [];
  if (tool.id !== id) faults.push({ field: 'id', reason: 'must be the id in the URL' });
  const upstream = upstreamFault(tool, catalogue.upstreamUrl);
  if (upstream !== undefined) faults.push({ field: 'upstream', reason: upstream });
  const holder = catalogue.holders.get(routeKey(tool));
  if (holder !== undefined && holder !== id) {
    faults.push({ field: 'path', reason: `is served by tool ${holder} with the same method` });
  }
  if (!catalogue.tools.has(id) && catalogue.tools.size >= MAX_TOOLS) {
    faults.push({ field: '', reason: `would be more than ${MAX_TOOLS} tools` });
  }
  return faults.length === 0 ? ok(tool) : err(faults);
};

/** Returns the price of the cheapest paid tool that is served, atomic units; undefined if there is none. */
export const cheapestPrice = ({ tools }: Catalogue): bigint | undefined =>
  [...tools.values()].reduce<bigint | undefined>((least, { tool, fault }) => {
    if (tool === undefined || tool.disabled || fault !== undefined || tool.price === 0n) {
      return least;
    }
    return least === undefined ? tool.price : min(least, tool.price);
  }, undefined);
