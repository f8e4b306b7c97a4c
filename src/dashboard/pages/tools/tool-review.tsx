import type { ToolChange } from '../../data/tools/tool-change.ts';
import type { Change } from '../../data/changes/sent-change.ts';
import { ActDialog } from '../../parts/act-dialog.tsx';
import { Changes } from './changes.tsx';

/** Shows the effect of a change of a tool before the wallet signs it, and the changes that another operator has made meanwhile. */
export const ToolReview = ({
  change,
  save,
  onDone,
  onClose,
}: {
  readonly change: ToolChange;
  readonly save: Change;
  readonly onDone: () => void;
  readonly onClose: () => void;
}) => (
  <ActDialog
    title={titleOf(change)}
    verb={change.etag === undefined ? 'Add' : 'Save'}
    change={save}
    onDone={onDone}
    onClose={onClose}
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
);

const titleOf = ({ tool, etag, overtaken }: ToolChange): string => {
  if (etag === undefined) return `Add ${tool.id}?`;
  return overtaken === undefined
    ? `Change ${tool.id}?`
    : `${tool.id} changed while you were editing. Save your changes too?`;
};
