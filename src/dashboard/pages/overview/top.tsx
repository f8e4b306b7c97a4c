import { Link } from 'wouter-preact';
import { listAddress } from '../../data/navigation/filters.ts';
import type { FigureRow, Figures } from '../../data/overview/figures.ts';
import type { Role } from '../../data/session/scope.ts';
import { countOf, decimalsFor } from '../../format/amount.ts';
import { toolName } from '../../format/text.ts';
import { AccountLink } from '../../parts/account-link.tsx';
import { Amount } from '../../parts/amount.tsx';
import { Empty } from '../../parts/empty.tsx';
import { Table } from '../../parts/table.tsx';

/** The agents or tools with the highest spend. A click opens the rows behind the number. */
export const Top = ({
  figures,
  by,
  role,
}: {
  readonly figures: Figures;
  readonly by: 'tool' | 'account';
  readonly role?: Role;
}) => {
  const { from, today: to } = figures;
  const ranking = by === 'tool' ? figures.tools : figures.accounts;
  if ('too_many' in ranking) {
    return (
      <p class="muted">
        There are too many rows to rank for this period. Choose fewer days above, or open{' '}
        <Link href="/agents">Agents</Link>.
      </p>
    );
  }
  const rows = ranking.items;
  if (rows.length === 0) {
    return (
      <Empty title="Nothing was spent in this period.">
        <p>A paid call appears here within 15 seconds of its end.</p>
      </Empty>
    );
  }
  const decimals = decimalsFor(rows.map(({ charged }) => BigInt(charged)));
  const hrefOf = (key: string): string =>
    by === 'account'
      ? listAddress('/calls', { account: key, from, to })
      : role === 'operator'
        ? listAddress('/calls', { tool: key, from, to })
        : listAddress('/spending', { by: 'account', tool: key, from, to });
  return (
    <>
      <Table<FigureRow>
        caption={`Spending by ${by === 'tool' ? 'tool' : 'agent'}`}
        keyOf={(row) => `${row.key} ${row.asset ?? ''}`}
        rows={rows}
        columns={[
          {
            head: by === 'tool' ? 'Tool' : 'Agent',
            isName: true,
            cell: ({ key, label }) =>
              by === 'tool' ? (
                <Link href={hrefOf(key)}>{toolName(key)}</Link>
              ) : (
                <AccountLink account={key} label={label} href={hrefOf(key)} />
              ),
          },
          { head: 'Calls', isNumber: true, drop: 1, cell: ({ calls }) => countOf(calls) },
          {
            head: 'Charged',
            isNumber: true,
            cell: ({ charged, asset }) => (
              <Amount atomic={charged} asset={asset ?? ''} decimals={decimals} />
            ),
          },
        ]}
      />
      <p class="muted">
        {rows.length} of {ranking.of} ·{' '}
        <Link href={listAddress('/spending', { by, from, to })}>
          all {by === 'tool' ? 'tools' : 'agents'}
        </Link>
      </p>
    </>
  );
};
