import type { ToolDocument } from '../../management/tool.route.ts';
import { type CatalogueTool, etagOf } from '../lib/catalogue.ts';

/** What is to be done with one tool, and what must be there before. */
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

export type FieldChange = {
  readonly name: string;
  readonly before: unknown;
  readonly after: unknown;
};

/**
 * What makes a catalogue that of a file. What is removed leaves its path to what comes, so that goes first; nothing is removed where
 * `keep` says so.
 */
export const planOf = (
  there: readonly CatalogueTool[],
  wanted: readonly ToolDocument[],
  keep: boolean,
): readonly Step[] => {
  const known = new Map(there.map((item) => [item.id, item]));
  const names = new Set(wanted.map(({ id }) => id));
  const removed = keep ? [] : there.filter(({ id }) => !names.has(id));
  return [
    ...removed.map(({ id, etag }): Step => ({ kind: 'remove', id, etag })),
    ...wanted.flatMap((tool): readonly Step[] => {
      const item = known.get(tool.id);
      if (item === undefined || item.etag === etagOf(tool)) return [];
      const fields = changesOf(item.tool, tool);
      return [{ kind: 'change', id: tool.id, etag: item.etag, tool, fields }];
    }),
    ...wanted.flatMap((tool): readonly Step[] =>
      known.has(tool.id) ? [] : [{ kind: 'add', id: tool.id, tool }],
    ),
  ];
};

const changesOf = (before: ToolDocument, after: ToolDocument): readonly FieldChange[] => {
  const [one, other] = [before, after].map((tool) => new Map(Object.entries(tool)));
  return [...new Set([...Object.keys(before), ...Object.keys(after)])]
    .map((name) => ({ name, before: one?.get(name), after: other?.get(name) }))
    .filter((field) => etagOf(field.before ?? null) !== etagOf(field.after ?? null));
};
