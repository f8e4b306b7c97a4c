import canonicalize from 'canonicalize';
import { toolHash } from '../../catalog/stored-tool.ts';
import type { ToolDocument } from '../../management/tool.route.ts';
import type { Json } from '../../protocol/entry.ts';
import type { AdminClient } from './admin-client.ts';
import { type CatalogueTool, deleteTool, priceText, writeTool } from './catalogue.ts';
import { type CliError, isRefusal } from './errors.ts';
import type { Output } from './output.ts';
import { proseWidth } from './print.ts';
import { counted, printable, wrapped } from './text.ts';

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

type FieldChange = {
  readonly name: string;
  readonly before: unknown;
  readonly after: unknown;
};

/** A tool that exists, with the ETag of its version. */
export type PresentTool = Pick<CatalogueTool, 'id' | 'etag' | 'tool'>;

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

const changedFields = (before: ToolDocument, after: ToolDocument): readonly FieldChange[] => {
  const [old, now] = [before, after].map((tool) => new Map(Object.entries(tool)));
  return [...new Set([...Object.keys(before), ...Object.keys(after)])]
    .map((name) => ({ name, before: old?.get(name), after: now?.get(name) }))
    .filter(({ before, after }) => canonicalize(before ?? null) !== canonicalize(after ?? null));
};

const STEP_ERRORS = [
  'precondition_failed',
  'precondition_required',
  'malformed_document',
  'unknown_tool',
  'unknown_document',
];

/** Applies one step. Returns an error that concerns this tool alone; throws every other error. */
export const applyStep = async (admin: AdminClient, step: Step): Promise<CliError | undefined> => {
  try {
    if (step.kind === 'remove') await deleteTool(admin, step.id, step.etag);
    else await writeTool(admin, step.tool, step.kind === 'add' ? undefined : step.etag);
    return undefined;
  } catch (thrown) {
    if (STEP_ERRORS.some((code) => isRefusal(thrown, code))) return thrown as CliError;
    throw thrown;
  }
};

export const planText = (out: Output, steps: readonly Step[], wanted: number): string => {
  const { style } = out;
  const width = proseWidth(out);
  if (steps.length === 0)
    return wrapped(
      `${style.dim('same')}  the catalogue equals the file (${counted(wanted, 'tool')})`,
      width,
      '      ',
    );
  return steps
    .map((step) => {
      if (step.kind === 'remove') return `${style.bad('-')} ${step.id}`;
      if (step.kind === 'add') {
        const { method, path } = step.tool;
        const text = `${style.good('+')} ${step.id}  ${priceText(step.tool)}, ${method} ${path}`;
        return wrapped(text, width, '  ');
      }
      const fields = step.fields.map(
        ({ name, before, after }) =>
          `    ${wrapped(`${name}  ${valueText(before)} → ${valueText(after)}`, width, '      ')}`,
      );
      return [`${style.warn('~')} ${step.id}`, ...fields].join('\n');
    })
    .join('\n');
};

const valueText = (value: unknown): string => {
  if (value === undefined) return 'nothing';
  return printable(typeof value === 'string' ? value : JSON.stringify(value)).slice(0, 160);
};

export type Failure = { readonly id: string; readonly why: string; readonly code: string };

export const outcomeText = (
  out: Output,
  applied: readonly string[],
  failed: readonly Failure[],
): string =>
  [
    ...(applied.length === 0
      ? []
      : [`${out.style.good('done')}  ${counted(applied.length, 'tool')}, live within 5 s`]),
    ...failed.map(({ id, why, code }) =>
      wrapped(
        `${out.style.bad(code === 'precondition_failed' ? 'raced' : 'failed')}  ${id}: ${printable(why)}`,
        proseWidth(out),
        '       ',
      ),
    ),
    ...(failed.length === 0
      ? []
      : [`${out.style.accent('next')}   Run the command again to see the remaining changes.`]),
  ].join('\n');
