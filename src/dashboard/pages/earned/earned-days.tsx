import { Link } from 'wouter-preact';
import type { EarnedDay } from '../../data/money/earned.ts';
import { listAddress } from '../../data/navigation/filters.ts';
import { decimalsFor } from '../../format/amount.ts';
import { Amount } from '../../parts/amount.tsx';
import { Table } from '../../parts/table.tsx';

/** The total by day. A click opens the rows of that day. */
export const EarnedDays = ({
  days,
  filters,
}: {
  readonly days: readonly EarnedDay[];
  readonly filters: Readonly<Record<'asset' | 'tool', string>>;
}) => {
  const rows = days.filter(({ earned = '0' }) => earned !== '0').toReversed();
  const decimals = decimalsFor(rows.map(({ earned = '0' }) => BigInt(earned)));
  return (
    <Table<EarnedDay>
      caption="Earned by day"
      keyOf={({ key, asset = '' }) => `${key} ${asset}`}
      rows={rows}
      columns={[
        {
          head: 'Day',
          cell: ({ key }) => (
            <Link href={listAddress('/earned', { ...filters, from: key, to: key })}>{key}</Link>
          ),
        },
        {
          head: 'Earned',
          isNumber: true,
          cell: ({ earned = '0', asset = '' }) => (
            <Amount atomic={earned} asset={asset} decimals={decimals} />
          ),
        },
      ]}
    />
  );
};
