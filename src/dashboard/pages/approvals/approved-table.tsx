import type { Approval } from '../../data/calls/approvals.ts';
import { gatewayNow } from '../../data/gateway/gateway-clock.ts';
import type { Scope } from '../../data/session/scope.ts';
import { addressIn, shortened } from '../../format/text.ts';
import { agoOf, exactMomentOf } from '../../format/time.ts';
import { Table } from '../../parts/table.tsx';
import { approvalColumns } from '../../parts/approval-table.tsx';

const approverOf = ({ decided_by: by, decided_role: role }: Approval, reader: string): string => {
  if (by === reader) return 'you';
  if (role === 'operator') return 'an operator';
  return by === undefined ? 'a person' : shortened(addressIn(by));
};

/** Calls that a person approved. The gateway runs a call only when its agent repeats the request. */
export const ApprovedTable = ({
  rows,
  scope,
}: {
  readonly rows: readonly Approval[];
  readonly scope: Scope;
}) => {
  const now = gatewayNow();
  return (
    <Table<Approval>
      caption="Approved calls"
      rows={rows}
      keyOf={({ call }) => call}
      columns={[
        ...approvalColumns(scope),
        {
          head: 'Approved',
          isNumber: true,
          cell: (approval) => {
            const { decided_at: at } = approval;
            return (
              <>
                by {approverOf(approval, scope.account)}
                {at === undefined ? null : (
                  <span class="below">
                    <time title={exactMomentOf(at)}>{agoOf(at, now)} ago</time>
                  </span>
                )}
              </>
            );
          },
        },
      ]}
    />
  );
};
