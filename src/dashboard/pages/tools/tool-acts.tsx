import { useState } from 'preact/hooks';
import type { Management } from '../../../client/management.ts';
import { putRequest } from '../../data/tools/tool-change.ts';
import type { SoldTool } from '../../data/tools/sold-tools.ts';
import { ActDialog } from '../../parts/act-dialog.tsx';

type ToolAct = 'disable' | 'enable' | 'delete';

type Chosen = { readonly act: ToolAct; readonly seen: SoldTool };

const EFFECTS: Readonly<Record<ToolAct, string>> = {
  disable:
    'Calls to it get 404 within 5 seconds. Running calls may finish. Its path stays reserved, and you can enable it again.',
  enable: 'Agents can find and call it again within 5 seconds.',
  delete:
    'Calls to it get 404 within 5 seconds. Running calls may finish. Its path becomes free: if the path of another tool ends in /* and covers it, that tool serves these calls from then on, at its own price. Disable the tool instead to keep the path reserved. The log keeps every version.',
};

const VERBS: Readonly<Record<ToolAct, string>> = {
  disable: 'Disable',
  enable: 'Enable',
  delete: 'Delete',
};

const changeFor =
  ({ id, tool, etag }: SoldTool, act: ToolAct) =>
  (management: Management): Promise<unknown> => {
    const { disabled: _, ...enabled } = tool;
    switch (act) {
      case 'disable':
        return management.call(
          'tools.put',
          putRequest({ tool: { ...tool, disabled: true }, etag }),
        );
      case 'enable':
        return management.call('tools.put', putRequest({ tool: enabled, etag }));
      case 'delete':
        return management.call('tools.delete', { params: { tool: id }, ifMatch: etag });
    }
  };

/** The actions of an operator on a tool besides editing it. */
export const ToolActs = ({
  tool,
  onEdit,
  onDone,
}: {
  readonly tool: SoldTool;
  readonly onEdit: () => void;
  readonly onDone: (act: ToolAct) => void;
}) => {
  // The tool as the person saw it: a later version must fail the precondition instead of being disabled or deleted unseen.
  const [chosen, choose] = useState<Chosen | undefined>(undefined);
  const onOff: ToolAct = tool.disabled ? 'enable' : 'disable';
  return (
    <div class="acts">
      <button type="button" class="primary" onClick={onEdit}>
        Edit
      </button>
      <button type="button" onClick={() => choose({ act: onOff, seen: tool })}>
        {VERBS[onOff]}
      </button>
      <button type="button" class="danger" onClick={() => choose({ act: 'delete', seen: tool })}>
        Delete
      </button>
      {chosen === undefined ? null : (
        <ActDialog
          title={`${VERBS[chosen.act]} ${tool.id}?`}
          verb={VERBS[chosen.act]}
          isDangerous={chosen.act === 'delete'}
          change={changeFor(chosen.seen, chosen.act)}
          onDone={() => onDone(chosen.act)}
          onClose={() => choose(undefined)}
        >
          <p>{EFFECTS[chosen.act]}</p>
        </ActDialog>
      )}
    </div>
  );
};
