import { useState } from 'preact/hooks';
import type { Management } from '../../../client/management.ts';
import type { ToolDocument } from '../../../management/tool.route.ts';
import type { FieldFault } from '../../../protocol/fault.ts';
import { toolFaults } from '../../../tool-import/tool-faults.ts';
import { gateway } from '../../data/gateway/gateway.ts';
import { isVersionConflict } from '../../data/changes/act-problem.ts';
import { problemText } from '../../data/gateway/problem.ts';
import {
  changeOf,
  onTopOfNow,
  putRequest,
  refusedFields,
  type StoredTool,
  type ToolChange,
} from '../../data/tools/tool-change.ts';
import { keptToolDraft } from '../../data/tools/kept-tool-draft.ts';
import { NEW_TOOL, type ToolDraft, toolDraftOf, toolOf } from '../../data/tools/tool-draft.ts';
import { expectedReach } from '../../data/gateway/local-stack.ts';
import { Notice } from '../../parts/notice.tsx';
import { ToolForm } from './tool-form.tsx';
import { ToolReview } from './tool-review.tsx';

/**
 * Edits a tool, or makes one: the form, the gateway's check without a signature, the changes, then the wallet. A version that another
 * operator stored meanwhile is shown beside it, and the change that the person typed is kept.
 */
export const EditTool = ({
  stored,
  onDone,
  onCancel,
}: {
  /** The version that the gateway stores; undefined for a new tool. */
  readonly stored: StoredTool | undefined;
  readonly onDone: (id: string) => void;
  readonly onCancel: () => void;
}) => {
  const [opened] = useState(stored);
  const kept = keptToolDraft(stored?.tool.id);
  /** The version that the person began with. */
  const before = kept.value === undefined ? opened : kept.value.before;
  const draft = kept.value?.draft ?? (before === undefined ? NEW_TOOL : toolDraftOf(before.tool));
  const write = (next: ToolDraft): void => {
    kept.value = { draft: next, before };
  };
  const [faults, setFaults] = useState<readonly FieldFault[]>([]);
  const [problem, setProblem] = useState<string | undefined>(undefined);
  const [isChecking, setChecking] = useState(false);
  const [change, setChange] = useState<ToolChange | undefined>(undefined);

  /** Applies the change to the stored version. */
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
      if (isVersionConflict(thrown)) return overtake(management, tool);
      const refused = refusedFields(thrown);
      if (refused.length === 0) throw thrown;
      setFaults(refused);
    }
  };

  const review = async (): Promise<void> => {
    const management = gateway.value;
    const read = toolOf(draft);
    const wrong = read.ok ? toolFaults(read.value, expectedReach()) : read.error;
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
      setProblem(await problemText(thrown));
    } finally {
      setChecking(false);
    }
  };

  const save = async (management: Management): Promise<void> => {
    if (change === undefined) return;
    try {
      await management.call('tools.put', putRequest(change));
    } catch (thrown) {
      if (isVersionConflict(thrown) && before !== undefined)
        await overtake(management, change.tool);
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
      <ToolForm draft={draft} faults={faults} isNew={before === undefined} onChange={write} />
      {faults.length === 0 ? null : (
        <Notice tone="bad">Correct the marked fields, then review again.</Notice>
      )}
      {problem === undefined ? null : <Notice tone="bad">{problem}</Notice>}
      <div class="acts">
        <button type="submit" class="primary" disabled={isChecking}>
          {isChecking ? 'Checking' : 'Review'}
        </button>
        <button
          type="button"
          onClick={() => {
            kept.value = undefined;
            onCancel();
          }}
        >
          Cancel
        </button>
      </div>
      {change === undefined ? null : (
        <ToolReview
          change={change}
          save={save}
          onDone={() => {
            kept.value = undefined;
            onDone(change.tool.id);
          }}
          onClose={() => setChange(undefined)}
        />
      )}
    </form>
  );
};
