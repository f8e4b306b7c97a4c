import { ok, type Result } from '../core/result.ts';
import type { Json } from '../protocol/entry.ts';
import type { FieldFault } from '../protocol/fault.ts';
import { placeholderTool } from './gateway-tools.ts';
import { routeKey, type Routes, routesOf } from './route.ts';
import { parseTool } from './schema.ts';
import type { Tool } from './tool.ts';
import { upstreamFault, type UpstreamSettings } from './upstream.ts';

/** One complete, immutable version of the catalogue. */
export type Catalogue = UpstreamSettings & {
  readonly routes: Routes;
  /** All tools by id, also those that are not served. Without hashes: only management needs an ETag. */
  readonly tools: ReadonlyMap<string, CatalogueTool>;
  /** The id of the tool that holds a method and path (`routeKey`). */
  readonly holders: ReadonlyMap<string, string>;
};

/** A tool's JSON document and the tool that it defines. */
export type CatalogueTool = {
  readonly id: string;
  readonly document: Json;
  /** `stored`: put by an operator; it replaces a tool of the same id, or of the same method and path, in the file. */
  readonly source: 'file' | 'stored';
  readonly disabled: boolean;
  /** Undefined if the document is invalid for this release or this configuration. */
  readonly tool: Tool | undefined;
  /** Why the tool is not served although it is enabled. */
  readonly fault?: string;
};

/** The tools of the deployed `tools.json`: parsed, and as JSON documents. */
export type DeployedTools = UpstreamSettings & {
  readonly tools: readonly Tool[];
  readonly documents: readonly Json[];
};

/** The tools that operators put (a document) or removed (undefined) since the deployment, by id. */
export type ToolChanges = ReadonlyMap<string, CatalogueTool | undefined>;

/** Reads the meter of a tool that has one (`readMeter`). Its code loads with the first metered tool. */
export type MeterReader = (tool: Tool) => Result<Tool, readonly FieldFault[]>;

/**
 * Applies the changes to the deployed tools. If two tools have the same method and path, the gateway serves the stored one. If both are
 * stored, because two operators put them concurrently, it serves the one whose id sorts first, so that every isolate serves the same tool.
 */
export const catalogueOf = (
  deployed: DeployedTools,
  changes: ToolChanges,
  readMeter?: MeterReader,
): Catalogue => {
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
          ...metered(tool, readMeter),
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
    services: deployed.services,
  };
};

/** Reads the meter of a tool. A tool whose meter is faulty is not served. */
const metered = (
  tool: Tool,
  readMeter: MeterReader | undefined,
): Pick<CatalogueTool, 'tool' | 'fault'> => {
  const read = tool.meteredPrice === undefined ? ok(tool) : readMeter?.(tool);
  if (read?.ok === true) return { tool: read.value };
  const [first] = read?.error ?? [];
  return { tool: undefined, fault: `${first?.field ?? 'price'} ${first?.reason ?? ''}` };
};

/** A tool that is not served keeps its path reserved. Otherwise a cheaper wildcard tool would start serving the same upstream route. */
const routed = ({ id, document, tool, fault }: CatalogueTool): readonly Tool[] => {
  if (tool !== undefined) return [fault === undefined ? tool : { ...tool, disabled: true }];
  const path = (document as { readonly path?: unknown } | null)?.path;
  return typeof path === 'string' ? [placeholderTool(id, path)] : [];
};

/** Parses a stored tool. Its schema is one text: see `storedTool`. @throws Error for text that is not JSON */
const readStoredTool = (text: string): Json => {
  const document = JSON.parse(text) as Json;
  const schema = (document as { readonly inputSchema?: Json } | null)?.inputSchema;
  return typeof schema === 'string'
    ? { ...(document as object), inputSchema: JSON.parse(schema) as Json }
    : document;
};

/** Parses a stored document again, because another release, or other variables, may have accepted it. */
export const readToolDocument = (
  id: string,
  text: string,
  settings: UpstreamSettings,
  readMeter?: MeterReader,
): CatalogueTool => {
  const document = readStoredTool(text);
  const parsed = parseTool(document, settings.reach);
  if (!parsed.ok || parsed.value.id !== id) {
    const [first] = parsed.ok ? [{ field: 'id', reason: 'is another' }] : parsed.error;
    const fault = `cannot be read by this release: ${first?.field ?? ''} ${first?.reason ?? ''}`;
    return { id, document, source: 'stored', disabled: false, tool: undefined, fault };
  }
  const tool = parsed.value;
  const fault = upstreamFault(tool, settings);
  return {
    id,
    document,
    source: 'stored',
    disabled: tool.disabled,
    ...metered(tool, readMeter),
    ...(fault === undefined ? {} : { fault: `upstream ${fault}` }),
  };
};

/**
 * Returns the cheapest paid tool that is served, of those that are priced in `asset` (absent: in tokens) and `isWanted`; undefined if there
 * is none. Prices of two assets do not compare.
 */
export const cheapestTool = (
  tools: Catalogue['tools'],
  asset: Tool['asset'],
  isWanted: (tool: Tool) => boolean = () => true,
): Tool | undefined => {
  let cheapest: Tool | undefined;
  for (const { tool, fault } of tools.values()) {
    const isSold = tool !== undefined && fault === undefined && !tool.disabled && tool.price > 0n;
    if (!isSold || tool.asset !== asset || !isWanted(tool)) continue;
    if (cheapest === undefined || tool.price < cheapest.price) cheapest = tool;
  }
  return cheapest;
};
/** Returns the tools that the gateway serves, by id. */
export const servedTools = ({ tools }: Catalogue): readonly Tool[] =>
  [...tools.values()]
    .flatMap(({ tool, fault }) =>
      tool === undefined || tool.disabled || fault !== undefined ? [] : tool,
    )
    .toSorted((a, b) => (a.id < b.id ? -1 : 1));
