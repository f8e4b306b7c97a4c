import { Link } from 'wouter-preact';
import type { ItemOf } from '../../client/management.ts';
import { gatewayNow } from '../data/reader.ts';
import { decimalsFor } from '../format/amount.ts';
import { shown } from '../format/text.ts';
import { agoOf, momentOf } from '../format/time.ts';
import { AccountLink } from '../parts/account-link.tsx';
import { Amount } from '../parts/amount.tsx';
import { Badge } from '../parts/badge.tsx';
import { Table } from '../parts/table.tsx';

type Call = ItemOf<'calls.list'>;

/** Calls, newest first. */
export const CallTable = ({ rows }: { readonly rows: readonly Call[] }) => {
  const now = gatewayNow();
  const decimals = decimalsFor(rows.map(({ charged = '0' }) => BigInt(charged)));
  return (
    <Table<Call>
      caption="Calls"
      rows={rows}
      keyOf={({ call }) => call}
      columns={[
        {
          head: 'When',
          cell: ({ accepted_at: at }) =>
            at === undefined ? '–' : <time title={momentOf(at)}>{agoOf(at, now)}</time>,
        },
        { head: 'Agent', cell: ({ account }) => <AccountLink account={account} /> },
        {
          head: 'Tool',
          cell: ({ account, call, tool }) => (
            <Link href={`/calls/${account}/${call}`}>{shown(tool ?? 'unknown')}</Link>
          ),
        },
        { head: 'State', cell: ({ state }) => <Badge state={state} /> },
        { head: 'HTTP status', isNumber: true, drop: 2, cell: ({ status }) => status ?? '–' },
        {
          head: 'Charged',
          isNumber: true,
          cell: ({ charged, asset }) =>
            charged === undefined ? (
              '–'
            ) : (
              <Amount atomic={charged} asset={asset ?? ''} decimals={decimals} />
            ),
        },
      ]}
    />
  );
};
