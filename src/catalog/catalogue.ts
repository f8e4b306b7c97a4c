import type { Json } from '../protocol/entry.ts';
import { min } from '../protocol/amount.ts';
import type { FieldFault } from '../protocol/fault.ts';
import { err, ok, type Result } from '../core/result.ts';
import { placeOf } from './contradiction.ts';
import { keeperOf } from './own-tool.ts';
import { type Routes, routesOf } from './route.ts';
import { MAX_TOOLS, parseTool } from './schema.ts';
import {
  type StoredTool,
  toolHash,
  upstreamFault,
  type UpstreamSettings,
  type WrittenTool,
} from './stored-tool.ts';
import type { Tool } from './tool.ts';

/** What a gateway starts from: the tools of its file, read and as written, and where their paths lead. */
export type Start = UpstreamSettings & {
  readonly tools: readonly Tool[];
  readonly documents: readonly Json[];
};

/** What was put (a tool) or removed (undefined) at run time, by id. */
export type Changes = ReadonlyMap<string, WrittenTool | undefined>;

/** One complete version of what a gateway sells; it never changes. */
export type Catalogue = UpstreamSettings & {
  readonly routes: Routes;
  /** By id, also those that are not served. Not hashed: only management needs an ETag. */
  readonly tools: ReadonlyMap<string, WrittenTool>;
  /** Which tool holds a method and path. */
  readonly places: ReadonlyMap<string, string>;
};

/**
 * Lays the changes over the file. Of two tools of one place the stored one is served, and of two stored ones, which two operators may
 * have put at once, the one whose id comes first: the same on every isolate.
 */
export const catalogueOf = (start: Start, changes: Changes): Catalogue => {
  const stored = [...changes.values()]
    .filter((each) => each !== undefined)
    .toSorted((a, b) => (a.id < b.id ? -1 : 1));
  const file = start.tools.flatMap((tool, at) =>
    changes.has(tool.id)
      ? []
      : {
          id: tool.id,
          document: start.documents[at] ?? null,
          source: 'file' as const,
          disabled: tool.disabled,
          tool,
        },
  );
  const places = new Map<string, string>();
  const tools = [...stored, ...file].map((each) => {
    if (each.tool === undefined) return each;
    const place = placeOf(each.tool);
    const holder = places.get(place);
    if (holder !== undefined) return { ...each, fault: `path is served by tool ${holder}` };
    places.set(place, each.id);
    return each;
  });
  return {
    routes: routesOf(tools.flatMap(routed)),
    tools: new Map(tools.map((each) => [each.id, each])),
    places,
    upstreamUrl: start.upstreamUrl,
    reach: start.reach,
  };
};

/** What is not served keeps its path all the same: what it sold must not be had from a cheaper tool of a wider one. */
const routed = ({ id, document, tool, fault }: WrittenTool): readonly Tool[] => {
  if (tool !== undefined) return [fault === undefined ? tool : { ...tool, disabled: true }];
  const path = (document as { readonly path?: unknown } | null)?.path;
  return typeof path === 'string' ? [keeperOf(id, path)] : [];
};

/** All tools by id: served, disabled, and at fault. */
export const listTools = (catalogue: Catalogue): readonly StoredTool[] =>
  [...catalogue.tools.values()].map(hashed).toSorted((a, b) => (a.id < b.id ? -1 : 1));

/** The tool of an id, as listed; undefined where there is none, or it was removed. */
export const findStored = (catalogue: Catalogue, id: string): StoredTool | undefined => {
  const found = catalogue.tools.get(id);
  return found === undefined ? undefined : hashed(found);
};

const hashed = (tool: WrittenTool): StoredTool => ({ ...tool, hash: toolHash(tool.document) });

/** Whether a document may be put under an id, beside all other tools. The fields of faults are the document's own. */
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
  const holder = catalogue.places.get(placeOf(tool));
  if (holder !== undefined && holder !== id) {
    faults.push({ field: 'path', reason: `is served by tool ${holder} with the same method` });
  }
  if (!catalogue.tools.has(id) && catalogue.tools.size >= MAX_TOOLS) {
    faults.push({ field: '', reason: `would be more than ${MAX_TOOLS} tools` });
  }
  return faults.length === 0 ? ok(tool) : err(faults);
};

/** The price of the cheapest tool that is served for money, atomic units; undefined where none is. */
export const cheapestPrice = ({ tools }: Catalogue): bigint | undefined =>
  [...tools.values()].reduce<bigint | undefined>((least, { tool, fault }) => {
    if (tool === undefined || tool.disabled || fault !== undefined || tool.price === 0n) {
      return least;
    }
    return least === undefined ? tool.price : min(least, tool.price);
  }, undefined);
