import type { EarnedCall } from '../../data/money/earned.ts';
import { decimalsFor } from '../../format/amount.ts';
import { Moment } from '../../parts/moment.tsx';
import { Amount } from '../../parts/amount.tsx';
import { AGENT, CALL } from '../../parts/call-columns.tsx';
import { Badge } from '../../parts/badge.tsx';
import { Table } from '../../parts/table.tsx';

/** Calls paid from credit, with the earnings of each. */
export const EarnedCalls = ({ rows }: { readonly rows: readonly EarnedCall[] }) => {
  const decimals = decimalsFor(rows.map(({ spent = '0' }) => BigInt(spent)));
  return (
    <Table<EarnedCall>
      caption="Calls paid with credit"
      keyOf={({ account, call }) => `${account} ${call}`}
      rows={rows}
      columns={[
        {
          head: 'Ended',
          cell: ({ ended_at: at }) => (at === undefined ? '–' : <Moment at={at} />),
        },
        CALL,
        { ...AGENT, drop: 2 },
        {
          head: 'Credit',
          drop: 2,
          cell: ({ paid_by: by }) => (by === 'lent' ? 'of an ancestor' : 'its own'),
        },
        { head: 'State', drop: 1, cell: ({ state }) => <Badge state={state} /> },
        {
          head: 'Earned',
          isNumber: true,
          cell: ({ spent = '0', asset = '' }) => (
            <Amount atomic={spent} asset={asset} decimals={decimals} />
          ),
        },
      ]}
    />
  );
};
