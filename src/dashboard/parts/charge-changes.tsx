import type { ChangeRow } from '../data/calls/call-rows.ts';
import { Moment } from './moment.tsx';
import { Amount } from './amount.tsx';
import { AGENT, CALL } from './call-columns.tsx';
import { Table } from './table.tsx';

/** Decisions of operators that changed the charge of an ended call. */
export const ChargeChanges = ({ rows }: { readonly rows: readonly ChangeRow[] }) => (
  <Table<ChangeRow>
    caption="Later changes to charges"
    keyOf={({ account, seq }) => `${account} ${seq}`}
    rows={rows}
    columns={[
      { head: 'When', cell: ({ at }) => <Moment at={at} /> },
      AGENT,
      CALL,
      { head: 'Decision', drop: 1, cell: ({ kind }) => kind },
      {
        head: 'Change of the charge',
        isNumber: true,
        cell: ({ amount, asset }) => <Amount atomic={amount} asset={asset ?? ''} />,
      },
    ]}
  />
);
