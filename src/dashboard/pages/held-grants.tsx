import type { Hex } from '../../core/hex.ts';
import { parsePolicy } from '../../policy/policy.ts';
import type { Standing } from '../data/standing.ts';
import { decimalOf } from '../format/amount.ts';
import { momentOf } from '../format/time.ts';
import { AccountLink } from '../parts/account-link.tsx';
import { Badge } from '../parts/badge.tsx';
import { Id } from '../parts/copy.tsx';
import { Table } from '../parts/table.tsx';

type Held = Standing['grants'][number];

const money = (amount: bigint | undefined): string =>
  amount === undefined ? 'no limit' : decimalOf(amount);

/** The grants that an account holds. Their issuer may replace or revoke them. */
export const HeldGrants = ({
  standing: { grants, policies },
  isMine,
  onRaise,
  onRevoke,
}: {
  readonly standing: Standing;
  readonly isMine: (issuer: string) => boolean;
  readonly onRaise: (grant: Hex) => void;
  readonly onRevoke: (id: Hex) => void;
}) => {
  const termsOf = ({ hash }: Held) => {
    const document = policies.find((each) => each.kind === 'grant' && each.hash === hash)?.policy;
    const read = document === undefined ? undefined : parsePolicy(document);
    return read?.ok === true ? read.value : undefined;
  };
  return (
    <Table<Held>
      caption="Grants it holds"
      rows={grants}
      keyOf={({ hash }) => hash}
      columns={[
        {
          head: 'Grant',
          cell: ({ hash, is_default: isDefault }) => (
            <>
              <Id text={hash} label="the hash of the grant" />
              {isDefault ? <span class="muted"> default</span> : null}
            </>
          ),
        },
        { head: 'From', drop: 1, cell: ({ issuer }) => <AccountLink account={issuer} /> },
        { head: 'Status', cell: ({ status }) => <Badge state={status} /> },
        {
          head: 'Per call (USDC)',
          drop: 2,
          isNumber: true,
          cell: (grant) => money(termsOf(grant)?.perCall),
        },
        {
          head: 'Per day (USDC)',
          drop: 2,
          isNumber: true,
          cell: (grant) => money(termsOf(grant)?.windows[0]?.limit),
        },
        {
          head: 'Total (USDC)',
          drop: 1,
          isNumber: true,
          cell: (grant) => money(termsOf(grant)?.lifetime),
        },
        { head: 'Valid until', drop: 2, cell: ({ valid_until: at }) => momentOf(at) },
        {
          head: 'Change',
          cell: ({ hash, id, issuer, status }) =>
            isMine(issuer) && status === 'active' ? (
              <span class="acts">
                <button type="button" onClick={() => onRaise(hash as Hex)}>
                  Change
                </button>
                <button type="button" class="danger" onClick={() => onRevoke(id as Hex)}>
                  Revoke
                </button>
              </span>
            ) : (
              '–'
            ),
        },
      ]}
    />
  );
};
