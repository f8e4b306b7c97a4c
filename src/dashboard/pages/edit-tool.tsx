import { isOvertaken } from '../data/overtaken.ts';
import { useState } from 'preact/hooks';
import type { Management } from '../../client/management.ts';
import type { ToolDocument } from '../../management/tool.route.ts';
import type { FieldFault } from '../../protocol/fault.ts';
import { toolFaults } from '../../tool-import/tool-faults.ts';
import { actProblem } from '../data/act.ts';
import { gateway } from '../data/gateway.ts';
import {
  changeOf,
  onTopOfNow,
  putRequest,
  refusedFields,
  type StoredTool,
  type ToolChange,
} from '../data/tool-change.ts';
import { draftOf, NEW_TOOL, toolOf } from '../data/tool-draft.ts';
import { reachHere } from '../data/tools.ts';
import { ActDialog } from '../parts/act-dialog.tsx';
import { Changes } from '../parts/changes.tsx';
import { Notice } from '../parts/notice.tsx';
import { ToolForm } from './tool-form.tsx';

/**
 * Edits a tool, or makes one: the form, the gateway's check without a signature, what will change, then the wallet. A version that another
 * operator stored meanwhile is shown beside it, and the change that the person typed is kept.
 */
export const EditTool = ({
  stored,
  onDone,
  onCancel,
}: {
  /** The version that the person began with; undefined for a new tool. */
  readonly stored: StoredTool | undefined;
  readonly onDone: (id: string) => void;
  readonly onCancel: () => void;
}) => {
  const [before] = useState(stored);
  const [draft, setDraft] = useState(stored === undefined ? NEW_TOOL : draftOf(stored.tool));
  const [faults, setFaults] = useState<readonly FieldFault[]>([]);
  const [problem, setProblem] = useState<string | undefined>(undefined);
  const [isChecking, setChecking] = useState(false);
  const [change, setChange] = useState<ToolChange | undefined>(undefined);

  /** Puts the change on top of what the gateway stores now. */
  const overtake = async (management: Management, tool: ToolDocument): Promise<void> => {
    if (before === undefined) {
      setFaults([{ field: 'id', reason: 'is the id of another tool' }]);
      return;
    }
    setChange(await onTopOfNow(management, before, tool));
  };

  const rehearse = async (management: Management, tool: ToolDocument): Promise<void> => {
    const made = changeOf(before, tool);
    try {
      await management.call('tools.put', { ...putRequest(made), dryRun: true });
      setChange(made);
    } catch (thrown) {
      if (isOvertaken(thrown)) return overtake(management, tool);
      const refused = refusedFields(thrown);
      if (refused.length === 0) throw thrown;
      setFaults(refused);
    }
  };

  const review = async (): Promise<void> => {
    const management = gateway.value;
    const read = toolOf(draft);
    const wrong = read.ok ? toolFaults(read.value, reachHere()) : read.error;
    setFaults(wrong);
    setProblem(undefined);
    if (management === undefined || !read.ok || wrong.length > 0) return;
    if (before !== undefined && changeOf(before, read.value).changes.length === 0) {
      setProblem('There is nothing to save: the stored tool has the same values.');
      return;
    }
    setChecking(true);
    try {
      await rehearse(management, read.value);
    } catch (thrown) {
      setProblem(actProblem(thrown));
    } finally {
      setChecking(false);
    }
  };

  const save = async (management: Management): Promise<void> => {
    if (change === undefined) return;
    try {
      await management.call('tools.put', putRequest(change));
    } catch (thrown) {
      if (isOvertaken(thrown) && before !== undefined) await overtake(management, change.tool);
      throw thrown;
    }
  };

  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void review();
      }}
    >
      <ToolForm draft={draft} faults={faults} isNew={before === undefined} onChange={setDraft} />
      {faults.length === 0 ? null : (
        <Notice tone="bad">Correct the marked fields, then review again.</Notice>
      )}
      {problem === undefined ? null : <Notice tone="bad">{problem}</Notice>}
      <div class="acts">
        <button type="submit" class="primary" disabled={isChecking}>
          {isChecking ? 'Checking' : 'Review'}
        </button>
        <button type="button" onClick={onCancel}>
          Cancel
        </button>
      </div>
      {change === undefined ? null : (
        <ActDialog
          title={titleOf(change)}
          verb={change.etag === undefined ? 'Add' : 'Save'}
          change={save}
          onDone={() => onDone(change.tool.id)}
          onClose={() => setChange(undefined)}
        >
          {change.overtaken === undefined ? null : (
            <>
              <p>This tool changed while you were editing it:</p>
              <Changes changes={change.overtaken.theirs} />
              <p>Your changes, on top of those:</p>
            </>
          )}
          <Changes changes={change.changes} marked={change.overtaken?.both ?? []} />
          <p class="muted">
            {change.etag === undefined
              ? 'The gateway has checked it. Agents can call it within 5 seconds.'
              : 'Calls that begin more than 5 seconds after you sign have the new terms.'}
          </p>
        </ActDialog>
      )}
    </form>
  );
};

const titleOf = ({ tool, etag, overtaken }: ToolChange): string => {
  if (etag === undefined) return `Add ${tool.id}?`;
  return overtaken === undefined
    ? `Change ${tool.id}?`
    : `${tool.id} changed while you were editing. Save your changes too?`;
};
