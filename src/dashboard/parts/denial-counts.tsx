import type { ComponentChildren } from 'preact';
import type { SpendRow } from '../data/money/spending.ts';
import { countOf } from '../format/amount.ts';
import { Table } from './table.tsx';

/** The number of calls that rows of a total count as denied. */
export const denialsIn = (rows: readonly SpendRow[]): number =>
  rows.reduce((sum, { denied }) => sum + denied, 0);

/** Denied calls by one key. */
export const DenialCounts = ({
  by,
  rows,
  cell,
}: {
  readonly by: 'rule' | 'agent' | 'tool' | 'day';
  readonly rows: readonly SpendRow[];
  readonly cell: (row: SpendRow) => ComponentChildren;
}) => (
  <Table<SpendRow>
    caption={`Denied calls by ${by}`}
    keyOf={({ key }) => key}
    rows={rows}
    columns={[
      { head: by.charAt(0).toUpperCase() + by.slice(1), isName: true, cell },
      { head: 'Denied', isNumber: true, cell: ({ denied }) => countOf(denied) },
    ]}
  />
);
