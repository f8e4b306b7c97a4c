import type { ItemOf } from '../../client/management.ts';
import type { Hex } from '../../core/hex.ts';
import { momentOf } from '../format/time.ts';
import { AccountLink } from '../parts/account-link.tsx';
import { Amount } from '../parts/amount.tsx';
import { Badge } from '../parts/badge.tsx';
import { Id } from '../parts/copy.tsx';
import { Table } from '../parts/table.tsx';

type Issued = ItemOf<'account.tree'>;

/** The grants that an account has issued. Only the issuer can revoke one. */
export const IssuedGrants = ({
  rows,
  mayRevoke,
  onRevoke,
}: {
  readonly rows: readonly Issued[];
  readonly mayRevoke: boolean;
  readonly onRevoke: (id: Hex) => void;
}) => (
  <Table<Issued>
    caption="Grants it has issued"
    rows={rows}
    keyOf={({ grant }) => grant}
    columns={[
      { head: 'Agent', cell: ({ account }) => <AccountLink account={account} /> },
      { head: 'Status', cell: ({ status }) => <Badge state={status} /> },
      { head: 'Grant', drop: 1, cell: ({ grant }) => <Id text={grant} label="the hash" /> },
      { head: 'Valid until', drop: 2, cell: ({ valid_until: at }) => momentOf(at) },
      { head: 'Spent', isNumber: true, cell: ({ spent }) => <Amount atomic={spent} asset="" /> },
      {
        head: 'Change',
        cell: ({ id, status }) =>
          mayRevoke && (status === 'active' || status === 'offered') ? (
            <button type="button" class="danger" onClick={() => onRevoke(id as Hex)}>
              Revoke
            </button>
          ) : (
            '–'
          ),
      },
    ]}
  />
);
