import type { ToolDocument } from '../../management/tool.route.ts';
import type { Listing } from '../../remote/list-tools.ts';
import { type Difference, differencesOf } from './difference.ts';
import { soldDefinition } from '../../tool-import/remote/tool-document.ts';

/** The state of a sold tool at its server. */
export type Checked = {
  readonly id: string;
  /** The tool's name at the server. */
  readonly name: string;
} & (
  | { readonly state: 'same' }
  | { readonly state: 'gone' }
  | { readonly state: 'unusable'; readonly why: string }
  /** `next`: the tool with the new definition. `hidden`: only what the gateway does not keep differs, e.g. annotations. */
  | {
      readonly state: 'changed';
      readonly differences: readonly Difference[];
      readonly annotations: unknown;
      readonly next: ToolDocument;
    }
);

/** Compares a sold tool with the current definition of its server. @returns undefined for a tool of another upstream */
export const checkTool = (tool: ToolDocument, listing: Listing): Checked | undefined => {
  const { id, upstream } = tool;
  if (typeof upstream !== 'object' || !('mcp' in upstream)) return undefined;
  const about = { id, name: upstream.tool };
  const definition = listing.tools.get(upstream.tool);
  if (definition === undefined) {
    const unusable = listing.unusable.find(({ name }) => name === upstream.tool);
    return unusable === undefined
      ? { ...about, state: 'gone' }
      : { ...about, state: 'unusable', why: unusable.reason };
  }
  const sold = soldDefinition(definition);
  if (!sold.ok) return { ...about, state: 'unusable', why: sold.error };
  const { pin, description, inputSchema } = sold.value;
  if (pin === upstream.pin) return { ...about, state: 'same' };
  return {
    ...about,
    state: 'changed',
    differences: differencesOf(
      { description: tool.description, inputSchema: tool.inputSchema },
      { description, inputSchema },
    ),
    annotations: definition.annotations ?? null,
    next: { ...tool, description, inputSchema, upstream: { ...upstream, pin } },
  };
};
