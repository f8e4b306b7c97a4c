import { useState } from 'preact/hooks';
import type { ItemOf } from '../../client/management.ts';
import { useAct } from '../data/act.ts';
import { gatewayNow } from '../data/reader.ts';
import type { Scope } from '../data/scope.ts';
import { shown } from '../format/text.ts';
import { agoOf, momentOf } from '../format/time.ts';
import { AccountLink } from '../parts/account-link.tsx';
import { Amount } from '../parts/amount.tsx';
import { Notice } from '../parts/notice.tsx';
import { Table } from '../parts/table.tsx';

type Waiting = ItemOf<'approvals.list'>;
type Decision = 'approve' | 'refuse';

/** Calls that wait for a person. The wallet signs each decision for exactly one call. */
export const ApprovalTable = ({
  rows,
  scope,
  onDecided,
}: {
  readonly rows: readonly Waiting[];
  readonly scope: Scope;
  readonly onDecided: () => void;
}) => {
  const { isAsking, problem, carryOut } = useAct();
  const [asked, setAsked] = useState<string | undefined>(undefined);
  const decide = async ({ account, call }: Waiting, decision: Decision): Promise<void> => {
    setAsked(call);
    const params = { account, call };
    const prefix = scope.role === 'operator' ? 'approvals' : 'account';
    const isDone = await carryOut((management) =>
      decision === 'approve'
        ? management.call(`${prefix}.approve`, { params })
        : management.call(`${prefix}.refuse`, { params, body: {} }),
    );
    if (isDone) onDecided();
  };
  const now = gatewayNow();
  return (
    <>
      {problem === undefined ? null : <Notice tone="bad">{problem}</Notice>}
      <Table<Waiting>
        caption="Calls waiting for approval"
        rows={rows}
        keyOf={({ call }) => call}
        columns={[
          {
            head: 'Waiting',
            cell: ({ parked_at: at, expires_at: until }) => (
              <time title={`until ${momentOf(until)}`}>{agoOf(at, now)}</time>
            ),
          },
          { head: 'Agent', cell: ({ account }) => <AccountLink account={account} /> },
          { head: 'Tool', drop: 1, cell: ({ tool }) => shown(tool) },
          {
            head: 'Price',
            isNumber: true,
            cell: ({ price, asset }) => <Amount atomic={price} asset={asset} />,
          },
          {
            head: 'Decide',
            cell: (waiting) => (
              <span class="acts">
                <button
                  type="button"
                  class="primary"
                  disabled={isAsking}
                  onClick={() => void decide(waiting, 'approve')}
                >
                  {isAsking && asked === waiting.call ? 'Confirm in the wallet' : 'Approve'}
                </button>
                <button
                  type="button"
                  disabled={isAsking}
                  onClick={() => void decide(waiting, 'refuse')}
                >
                  Refuse
                </button>
              </span>
            ),
          },
        ]}
      />
    </>
  );
};
