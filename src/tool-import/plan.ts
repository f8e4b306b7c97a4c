import { toolHash } from '../catalog/stored-tool.ts';
import type { ItemOf } from '../management/routes.ts';
import type { ToolDocument } from '../management/tool.route.ts';
import type { Json } from '../protocol/entry.ts';
import { changedFields, type FieldChange } from './changed-fields.ts';

/** One change of the catalogue, with the ETag of the version that it replaces. */
export type Step =
  | { readonly kind: 'remove'; readonly id: string; readonly etag: string }
  | {
      readonly kind: 'change';
      readonly id: string;
      readonly etag: string;
      readonly tool: ToolDocument;
      readonly fields: readonly FieldChange[];
    }
  | { readonly kind: 'add'; readonly id: string; readonly tool: ToolDocument };

/** A tool that exists, with the ETag of its version. */
export type PresentTool = Pick<ItemOf<'tools.list'>, 'id' | 'etag' | 'tool'>;

/** Removals come first: an added tool may take the path of a removed one. */
export const planOf = (
  present: readonly PresentTool[],
  wanted: readonly ToolDocument[],
  keep: boolean,
): readonly Step[] => {
  const known = new Map(present.map((item) => [item.id, item]));
  const names = new Set(wanted.map(({ id }) => id));
  const removed = keep ? [] : present.filter(({ id }) => !names.has(id));
  return [
    ...removed.map(({ id, etag }): Step => ({ kind: 'remove', id, etag })),
    ...wanted.flatMap((tool): readonly Step[] => {
      const item = known.get(tool.id);
      if (item === undefined || item.etag === toolHash(tool as unknown as Json)) return [];
      const fields = changedFields(item.tool, tool);
      return [{ kind: 'change', id: tool.id, etag: item.etag, tool, fields }];
    }),
    ...wanted.flatMap((tool): readonly Step[] =>
      known.has(tool.id) ? [] : [{ kind: 'add', id: tool.id, tool }],
    ),
  ];
};
