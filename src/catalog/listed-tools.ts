import type { Hex } from '../core/hex.ts';
import { err, ok, type Result } from '../core/result.ts';
import type { Json } from '../protocol/entry.ts';
import type { FieldFault } from '../protocol/fault.ts';
import type { Catalogue, CatalogueTool } from './catalogue.ts';
import { routeKey } from './route.ts';
import { parseTool } from './schema.ts';
import { toolHash, toolText } from './stored-tool.ts';
import { type Tool, MAX_TOOLS } from './tool.ts';
import { upstreamFault } from './upstream.ts';

/** A tool as management lists it. `hash`: SHA-256 over the JCS form of the document, its ETag. */
export type ListedTool = CatalogueTool & { readonly hash: Hex };

/** The longest stored tool, in characters of its canonical JSON: one entry of the log holds it. */
export const MAX_STORED_TOOL = 40_960;
/** The most that all tools may take together: isolates keep them in memory and read them in one answer. */
const MAX_CATALOGUE = 4 * 1_048_576;

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
  const upstream = upstreamFault(tool, catalogue);
  if (upstream !== undefined) faults.push({ field: 'upstream', reason: upstream });
  const holder = catalogue.holders.get(routeKey(tool));
  if (holder !== undefined && holder !== id) {
    faults.push({ field: 'path', reason: `is served by tool ${holder} with the same method` });
  }
  if (!catalogue.tools.has(id) && catalogue.tools.size >= MAX_TOOLS) {
    faults.push({ field: '', reason: `would be more than ${MAX_TOOLS} tools` });
  }
  const size = toolText(document as Json).length;
  if (size > MAX_STORED_TOOL) {
    faults.push({
      field: '',
      reason: `must be at most ${MAX_STORED_TOOL} characters as canonical JSON`,
    });
  }
  const others = [...catalogue.tools.values()].filter((each) => each.id !== id);
  if (others.reduce((sum, each) => sum + toolText(each.document).length, size) > MAX_CATALOGUE) {
    faults.push({
      field: '',
      reason: `would make the catalogue longer than ${MAX_CATALOGUE} characters`,
    });
  }
  return faults.length === 0 ? ok(tool) : err(faults);
};

/** Returns all tools by id: served, disabled, and faulty. */
export const listTools = (catalogue: Catalogue): readonly ListedTool[] =>
  [...catalogue.tools.values()].map(hashed).toSorted((a, b) => (a.id < b.id ? -1 : 1));

/** Returns a tool as `listTools` does; undefined if there is none, or it was removed. */
export const findListed = (catalogue: Catalogue, id: string): ListedTool | undefined => {
  const found = catalogue.tools.get(id);
  return found === undefined ? undefined : hashed(found);
};

const hashed = (tool: CatalogueTool): ListedTool => ({ ...tool, hash: toolHash(tool.document) });
