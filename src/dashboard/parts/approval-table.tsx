import { useState } from 'preact/hooks';
import { useAct } from '../data/changes/act.ts';
import type { Approval } from '../data/calls/approvals.ts';
import type { Scope } from '../data/session/scope.ts';
import { Notice } from './notice.tsx';
import { Table, type Column } from './table.tsx';
import { Amount } from './amount.tsx';
import { WaitingCall } from './waiting-call.tsx';

/** The first columns of every list of approvals: the call, and its price. */
export const approvalColumns = (scope: Scope): readonly Column<Approval>[] => [
  { head: 'Call', cell: (approval) => <WaitingCall approval={approval} scope={scope} /> },
  {
    head: 'Price',
    isNumber: true,
    cell: ({ price, asset }) => <Amount atomic={price} asset={asset} />,
  },
];

type Decision = 'approve' | 'refuse';

/** The text of a decided row, until the list drops it some seconds later. */
const DECIDED: Readonly<Record<Decision, string>> = {
  approve: 'approved, waits for the agent’s retry',
  refuse: 'refused',
};

/** Calls that wait for a person. The wallet signs each decision for exactly one call. */
export const ApprovalTable = ({
  rows,
  scope,
  onDecided,
}: {
  readonly rows: readonly Approval[];
  readonly scope: Scope;
  readonly onDecided: () => void;
}) => {
  const { isAsking, problem, carryOut } = useAct();
  const [asked, setAsked] = useState<string | undefined>(undefined);
  const [decided, setDecided] = useState<ReadonlyMap<string, Decision>>(new Map());
  const decide = async ({ account, call }: Approval, decision: Decision): Promise<void> => {
    setAsked(call);
    const params = { account, call };
    const prefix = scope.role === 'operator' ? 'approvals' : 'account';
    const isDone = await carryOut((management) =>
      decision === 'approve'
        ? management.call(`${prefix}.approve`, { params })
        : management.call(`${prefix}.refuse`, { params, body: {} }),
    );
    if (isDone) setDecided((before) => new Map([...before, [call, decision]]));
    // Read again after a lost answer too: the list shows the outcome.
    onDecided();
  };
  return (
    <>
      {problem === undefined ? null : <Notice tone="bad">{problem}</Notice>}
      <Table<Approval>
        caption="Calls waiting for approval"
        rows={rows}
        keyOf={({ call }) => call}
        columns={[
          ...approvalColumns(scope),
          {
            head: 'Decide',
            isNumber: true,
            cell: (approval) => {
              const decision = decided.get(approval.call);
              return decision === undefined ? (
                <span class="acts">
                  <button
                    type="button"
                    class="primary"
                    disabled={isAsking}
                    onClick={() => void decide(approval, 'approve')}
                  >
                    {isAsking && asked === approval.call ? 'Confirm in the wallet' : 'Approve'}
                  </button>
                  <button
                    type="button"
                    disabled={isAsking}
                    onClick={() => void decide(approval, 'refuse')}
                  >
                    Refuse
                  </button>
                </span>
              ) : (
                <span role="status">{DECIDED[decision]}</span>
              );
            },
          },
        ]}
      />
    </>
  );
};
