import { CountersignError } from '../../../client/errors.ts';
import type { Management } from '../../../client/management.ts';
import { isObject } from '../../../core/json-object.ts';
import type { ToolDocument } from '../../../management/tool.route.ts';
import type { FieldFault } from '../../../protocol/fault.ts';
import { changedFields, type FieldChange } from '../../../tool-import/changed-fields.ts';
import { rebased } from './rebase.ts';

/** A tool as the gateway stores it. */
export type StoredTool = { readonly tool: ToolDocument; readonly etag: string };

/** A change of a tool that a person may sign. */
export type ToolChange = {
  readonly tool: ToolDocument;
  /** The version that it replaces; undefined for a new tool. */
  readonly etag: string | undefined;
  readonly changes: readonly FieldChange[];
  /** The changes of another operator since the person began, and the members that both changed. */
  readonly overtaken?: {
    readonly theirs: readonly FieldChange[];
    readonly both: readonly string[];
  };
};

/** The request that writes a tool, only over the version that the person has seen. */
export const putRequest = ({ tool, etag }: Pick<ToolChange, 'tool' | 'etag'>) => ({
  params: { tool: tool.id },
  body: tool,
  ...(etag === undefined ? ({ ifNoneMatch: '*' } as const) : { ifMatch: etag }),
});

/** The change from one version to another. */
export const changeOf = (before: StoredTool | undefined, tool: ToolDocument): ToolChange => ({
  tool,
  etag: before?.etag,
  changes: changedFields(before?.tool ?? {}, tool),
});

/** Reads the stored version, and applies the change to it. @throws the error of the read */
export const onTopOfNow = async (
  management: Management,
  before: StoredTool,
  tool: ToolDocument,
): Promise<ToolChange> => {
  const { body, etag } = await management.call('tools.get', { params: { tool: tool.id } });
  const now = { tool: body, etag: etag ?? '*' };
  const { document, both } = rebased(before.tool, tool, now.tool);
  return {
    ...changeOf(now, document),
    overtaken: { theirs: changedFields(before.tool, now.tool), both },
  };
};

/** The fields that the gateway refused, if it named some. */
export const refusedFields = (thrown: unknown): readonly FieldFault[] => {
  const faults = thrown instanceof CountersignError ? thrown.problem?.['faults'] : undefined;
  return (Array.isArray(faults) ? (faults as readonly unknown[]) : [])
    .filter(isObject)
    .map(({ field, reason }) => ({ field: String(field), reason: String(reason) }));
};
