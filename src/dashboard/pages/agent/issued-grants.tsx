import type { ItemOf } from '../../../client/management.ts';
import type { Hex } from '../../../core/hex.ts';
import { readPolicy } from '../../../policy/read-policy.ts';
import { nameOf } from '../../format/text.ts';
import { momentOf } from '../../format/time.ts';
import { AccountLink } from '../../parts/account-link.tsx';
import { Amount } from '../../parts/amount.tsx';
import { Badge } from '../../parts/badge.tsx';
import { Id } from '../../parts/id.tsx';
import { Table } from '../../parts/table.tsx';
import { GrantLimits } from './grant-table.tsx';

type Issued = ItemOf<'account.tree'>;

/** A grant to revoke, and the agent that holds it. */
export type Revoking = { readonly id: Hex; readonly account: string; readonly name: string };

/** The grants that an account has issued. Only the issuer can revoke one. */
export const IssuedGrants = ({
  rows,
  mayRevoke,
  onRevoke,
}: {
  readonly rows: readonly Issued[];
  readonly mayRevoke: boolean;
  readonly onRevoke: (grant: Revoking) => void;
}) => (
  <Table<Issued>
    caption="Grants it has issued"
    rows={rows}
    keyOf={({ grant }) => grant}
    columns={[
      {
        head: 'Agent',
        cell: ({ account, label }) => <AccountLink account={account} label={label} />,
      },
      { head: 'Status', cell: ({ status }) => <Badge state={status} /> },
      { head: 'Grant', drop: 1, cell: ({ grant }) => <Id text={grant} label="the hash" /> },
      {
        head: 'Limits',
        drop: 1,
        cell: ({ policy }) => <GrantLimits terms={readPolicy(policy)} />,
      },
      { head: 'Valid until', drop: 2, cell: ({ valid_until: at }) => momentOf(at) },
      {
        head: 'Spent',
        isNumber: true,
        cell: ({ spent, asset }) => <Amount atomic={spent} asset={asset ?? ''} />,
      },
      {
        head: 'Change',
        cell: ({ account, id, label, status }) =>
          mayRevoke && (status === 'active' || status === 'offered') ? (
            <button
              type="button"
              class="danger"
              onClick={() => onRevoke({ id: id as Hex, account, name: nameOf(account, label) })}
            >
              Revoke
            </button>
          ) : (
            '–'
          ),
      },
    ]}
  />
);
