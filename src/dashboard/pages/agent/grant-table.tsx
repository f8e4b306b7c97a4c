import type { Hex } from '../../../core/hex.ts';
import type { Policy } from '../../../policy/policy.ts';
import type { GrantRow } from '../../data/grants/grant-rows.ts';
import { momentOf } from '../../format/time.ts';
import { AccountLink } from '../../parts/account-link.tsx';
import { Badge } from '../../parts/badge.tsx';
import { Id } from '../../parts/id.tsx';
import { Table } from '../../parts/table.tsx';
import { grantLimits } from '../../format/policy-lines.ts';
import './grant-table.css';

/** The limits of a grant, one a line. */
export const GrantLimits = ({ terms }: { readonly terms: Policy | undefined }) =>
  grantLimits(terms).map((line) => (
    <span key={line} class="term">
      {line}
    </span>
  ));

/** The acts of the issuer of a grant. */
export type GrantActs = {
  readonly isMine: (issuer: string) => boolean;
  /** Absent if the page shows the agent's next step anyway. */
  readonly onHandOver?: ((grant: GrantRow) => void) | undefined;
  readonly onRevoke: (grant: GrantRow) => void;
  /** Absent if no new grant can be signed. */
  readonly onReplace?: ((hash: Hex) => void) | undefined;
};

const Acts = ({ grant, acts }: { readonly grant: GrantRow; readonly acts: GrantActs }) => {
  const { status, hash, issuer } = grant;
  if (!acts.isMine(issuer) || (status !== 'active' && status !== 'offered')) return '–';
  const { onHandOver, onReplace } = acts;
  return (
    <span class="acts">
      {status === 'offered' && onHandOver !== undefined ? (
        <button type="button" onClick={() => onHandOver(grant)}>
          Hand over
        </button>
      ) : null}
      {status === 'active' && onReplace !== undefined ? (
        <button type="button" onClick={() => onReplace(hash)}>
          Replace
        </button>
      ) : null}
      <button type="button" class="danger" onClick={() => acts.onRevoke(grant)}>
        Revoke
      </button>
    </span>
  );
};

/** Grants of an agent, with the terms of each. Their issuer may replace or revoke them. */
export const GrantTable = ({
  caption,
  rows,
  acts,
}: {
  readonly caption: string;
  readonly rows: readonly GrantRow[];
  readonly acts: GrantActs;
}) => (
  <Table<GrantRow>
    caption={caption}
    rows={rows}
    keyOf={({ hash }) => hash}
    columns={[
      {
        head: 'Status',
        cell: ({ status, isDefault }) => (
          <>
            <Badge state={status} />
            {isDefault ? <span class="muted"> default</span> : null}
          </>
        ),
      },
      {
        head: 'Limits',
        cell: ({ terms }) => <GrantLimits terms={terms} />,
      },
      {
        head: 'Grant',
        drop: 1,
        cell: ({ hash }) => <Id text={hash} label="the hash of the grant" />,
      },
      { head: 'From', drop: 2, cell: ({ issuer }) => <AccountLink account={issuer} /> },
      { head: 'Valid until', drop: 2, cell: ({ validUntil }) => momentOf(validUntil) },
      { head: 'Change', cell: (grant) => <Acts grant={grant} acts={acts} /> },
    ]}
  />
);
