import type { ToolDocument } from '../../management/tool.route.ts';
import type { Skipped } from './operation.ts';
import type { ImportedTool } from './tool.ts';

/** The fields that an import decides. All others stay as the operator set them. */
const DECIDED = ['requestHeaders', 'arguments', 'mimeType'] as const;

/**
 * Merges imported tools with those that exist: a tool of the same id, method and upstream path is updated and keeps what an import does not
 * decide, such as `timeoutSeconds`, `params` and `disabled`.
 *
 * @returns also the conflicts: imported tools whose id or path another tool holds.
 */
export const mergedTools = (
  present: readonly ToolDocument[],
  imported: readonly ImportedTool[],
): { readonly tools: readonly ToolDocument[]; readonly conflicts: readonly Skipped[] } => {
  const byId = new Map(present.map((tool) => [tool.id, tool]));
  const holders = new Map(present.map((tool) => [`${tool.method} ${tool.path}`, tool.id]));
  const conflicts: Skipped[] = [];
  const tools = imported.flatMap(({ operation, tool }) => {
    const old = byId.get(tool.id);
    if (old !== undefined && !isSameOperation(old, tool)) {
      const why = `the tool ${tool.id} exists for another upstream: give a prefix (--namespace), or remove that tool`;
      conflicts.push({ operation, why });
      return [];
    }
    const next = old === undefined ? tool : { ...kept(old), ...tool, ...own(old) };
    const holder = holders.get(`${next.method} ${next.path}`);
    if (holder !== undefined && holder !== tool.id) {
      conflicts.push({ operation, why: `the tool ${holder} has the path ${next.path}` });
      return [];
    }
    return [next];
  });
  return { tools, conflicts };
};

const kept = (tool: ToolDocument): ToolDocument => {
  const rest = Object.entries(tool).filter(([name]) => !DECIDED.some((each) => each === name));
  return Object.fromEntries(rest) as unknown as ToolDocument;
};

/** The operator may have moved an imported tool to another path, or added its credentials. */
const own = ({ path, secrets }: ToolDocument): Partial<ToolDocument> => ({
  path,
  ...(secrets === undefined ? {} : { secrets }),
});

/** Ignores the host: an upstream may move. */
const isSameOperation = (old: ToolDocument, tool: ToolDocument): boolean =>
  old.method === tool.method &&
  typeof old.upstream === 'string' &&
  typeof tool.upstream === 'string' &&
  pathOf(old.upstream) === pathOf(tool.upstream);

const pathOf = (upstream: string): string => upstream.replace(/^https?:\/\/[^/]*/, '');
