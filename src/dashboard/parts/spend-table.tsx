import { Link } from 'wouter-preact';
import type { SpendRow } from '../data/money/spending.ts';
import { countOf, decimalsFor } from '../format/amount.ts';
import { addressIn, shortened, toolName } from '../format/text.ts';
import { AccountLink } from './account-link.tsx';
import { Amount } from './amount.tsx';
import { Table } from './table.tsx';

/** The keys by which spending is added up, and the head of each. */
export const KEYS = { day: 'Day (UTC)', account: 'Agent', tool: 'Tool', payee: 'Payee' } as const;
export type Key = keyof typeof KEYS;

const nameOf = (by: Key, key: string) =>
  by === 'payee' ? <code>{shortened(addressIn(key))}</code> : toolName(key);

/** Spending by a key. A click opens the rows behind a number. */
export const SpendTable = ({
  rows,
  by,
  hrefOf,
  earnedHrefOf,
}: {
  readonly rows: readonly SpendRow[];
  readonly by: Key;
  readonly hrefOf: (row: SpendRow) => string | undefined;
  /** The address of the rows behind the earnings; absent if the rows have no earnings. */
  readonly earnedHrefOf: ((row: SpendRow) => string) | undefined;
}) => {
  const decimals = decimalsFor(
    rows.flatMap(({ charged, earned = '0' }) => [BigInt(charged), BigInt(earned)]),
  );
  const earned =
    earnedHrefOf === undefined
      ? []
      : [
          {
            ...({ head: 'Earned', isNumber: true, drop: 1 } as const),
            cell: (row: SpendRow) => (
              <Link href={earnedHrefOf(row)}>
                <Amount atomic={row.earned ?? '0'} asset={row.asset ?? ''} decimals={decimals} />
              </Link>
            ),
          },
        ];
  return (
    <Table<SpendRow>
      caption={`Spending by ${by}`}
      keyOf={(row) => `${row.key} ${row.asset ?? ''}`}
      rows={rows}
      columns={[
        {
          head: KEYS[by],
          cell: (row) => {
            const href = hrefOf(row);
            if (by === 'account') {
              return <AccountLink account={row.key} label={row.label} href={href} />;
            }
            return href === undefined ? (
              nameOf(by, row.key)
            ) : (
              <Link href={href} title={row.key}>
                {nameOf(by, row.key)}
              </Link>
            );
          },
        },
        { head: 'Calls', isNumber: true, cell: ({ calls }) => countOf(calls) },
        { head: 'Failed', isNumber: true, drop: 2, cell: ({ failed }) => countOf(failed) },
        {
          head: 'Charged',
          isNumber: true,
          cell: ({ charged, asset }) => (
            <Amount atomic={charged} asset={asset ?? ''} decimals={decimals} />
          ),
        },
        ...earned,
      ]}
    />
  );
};
