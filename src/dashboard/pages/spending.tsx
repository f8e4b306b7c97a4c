import { Link } from 'wouter-preact';
import { listAddress, useFilters } from '../data/filters.ts';
import { useQuery } from '../data/query.ts';
import { gatewayNow } from '../data/reader.ts';
import type { PageProps } from '../data/scope.ts';
import { readDays, readRanking, type SpendRow } from '../data/spending.ts';
import { decimalsFor, sumOf } from '../format/amount.ts';
import { addressIn, shortened, shown } from '../format/text.ts';
import { dayOf, daysBefore } from '../format/time.ts';
import { Amount } from '../parts/amount.tsx';
import { Empty } from '../parts/empty.tsx';
import { FilterBar } from '../parts/filter-bar.tsx';
import { Page } from '../parts/page.tsx';
import { Result } from '../parts/result.tsx';
import { SumLine } from '../parts/sum-line.tsx';
import { Table } from '../parts/table.tsx';

const KEYS = { day: 'Day (UTC)', account: 'Agent', tool: 'Tool', payee: 'Payee' } as const;
type Key = keyof typeof KEYS;
const isKey = (text: string | undefined): text is Key => text !== undefined && text in KEYS;

const nameOf = (by: Key, key: string) =>
  by === 'account' || by === 'payee' ? <code>{shortened(addressIn(key))}</code> : shown(key);

/** The rows behind a total of spending: by day, agent, tool or payee, with their sum. */
export const Spending = ({ scope }: PageProps) => {
  const [filters, change] = useFilters(['by', 'from', 'to', 'account', 'tool']);
  const by: Key = isKey(filters.by) ? filters.by : 'day';
  const to = filters.to ?? dayOf(gatewayNow());
  const from = filters.from ?? daysBefore(to, 29);
  const { account, tool } = filters;
  const narrow = {
    ...(account === undefined ? {} : { account }),
    ...(tool === undefined ? {} : { tool }),
  };
  const key = `spending ${scope.role} ${scope.account} ${JSON.stringify([by, from, to, account, tool])}`;
  const query = useQuery(key, async (management, signal) => {
    if (by !== 'day') {
      return readRanking(management, scope, { ...narrow, by, from, to, order: 'charged' }, signal);
    }
    const rows = await readDays(management, scope, { ...narrow, from, to }, signal);
    const spent = rows.filter(({ asset }) => asset !== undefined).toReversed();
    return { rows: spent, of: spent.length };
  });
  const hrefOf = (row: SpendRow): string | undefined => {
    const calls = { from, to, account, tool };
    if (by === 'account')
      return listAddress('/spending', { ...calls, by: 'day', account: row.key });
    if (by === 'payee') return undefined;
    const narrower = by === 'day' ? { from: row.key, to: row.key } : { tool: row.key };
    // Only operators have one list of the calls of several agents.
    return scope.role === 'operator' || account !== undefined
      ? listAddress('/calls', { ...calls, ...narrower })
      : listAddress('/spending', { ...calls, ...narrower, by: 'account' });
  };
  return (
    <Page title="Spending">
      <div class="tabs" role="group" aria-label="By">
        {(Object.keys(KEYS) as readonly Key[]).map((each) => (
          <Link
            key={each}
            class="tab"
            href={listAddress('/spending', { ...filters, by: each })}
            aria-current={each === by ? 'true' : undefined}
          >
            by {each === 'account' ? 'agent' : each}
          </Link>
        ))}
      </div>
      <FilterBar
        fields={[
          { name: 'from', label: 'From (UTC day)', type: 'date', value: from },
          { name: 'to', label: 'To (UTC day)', type: 'date', value: to },
          { name: 'account', label: 'Agent', type: 'search', value: account ?? '' },
          { name: 'tool', label: 'Tool', type: 'search', value: tool ?? '' },
        ]}
        onChange={change}
      />
      <Result query={query} rows={8}>
        {({ rows, of }) => {
          if (rows.length === 0) {
            return (
              <Empty title="Nothing was spent in this period.">
                <p>
                  A paid call counts on the day on which it ends. Choose other days, or clear the
                  filters.
                </p>
              </Empty>
            );
          }
          const decimals = decimalsFor(rows.map(({ charged }) => BigInt(charged)));
          const hasEarned = rows.some(({ earned }) => earned !== undefined) && by === 'day';
          return (
            <>
              <SumLine
                isWhole={rows.length === of}
                what={countOf(rows, of)}
                sums={sumsOf(rows, ({ charged }) => charged)}
                more={hasEarned ? sumsOf(rows, ({ earned = '0' }) => earned) : undefined}
              />
              <Table<SpendRow>
                caption={`Spending by ${by}`}
                keyOf={(row) => `${row.key} ${row.asset ?? ''}`}
                rows={rows}
                columns={[
                  {
                    head: KEYS[by],
                    cell: (row) => {
                      const href = hrefOf(row);
                      return href === undefined ? (
                        nameOf(by, row.key)
                      ) : (
                        <Link href={href} title={row.key}>
                          {nameOf(by, row.key)}
                        </Link>
                      );
                    },
                  },
                  { head: 'Calls', isNumber: true, cell: ({ calls }) => calls },
                  { head: 'Failed', isNumber: true, drop: 2, cell: ({ failed }) => failed },
                  {
                    head: 'Charged',
                    isNumber: true,
                    cell: ({ charged, asset }) => (
                      <Amount atomic={charged} asset={asset ?? ''} decimals={decimals} />
                    ),
                  },
                  ...(hasEarned
                    ? [
                        {
                          head: 'Earned',
                          isNumber: true,
                          drop: 1 as const,
                          cell: ({ earned, asset }: SpendRow) =>
                            earned === undefined ? (
                              '–'
                            ) : (
                              <Amount atomic={earned} asset={asset ?? ''} decimals={decimals} />
                            ),
                        },
                      ]
                    : []),
                ]}
              />
            </>
          );
        }}
      </Result>
    </Page>
  );
};

const counted = (count: number, one: string): string => `${count} ${count === 1 ? one : `${one}s`}`;

const countOf = (rows: readonly SpendRow[], of: number): string => {
  const calls = rows.reduce((sum, row) => sum + row.calls, 0);
  const shownRows = rows.length === of ? counted(of, 'row') : `${rows.length} of ${of} rows`;
  return `${shownRows}, ${counted(calls, 'call')}`;
};

/** Sums by asset: amounts of two assets are never added. */
const sumsOf = (
  rows: readonly SpendRow[],
  amountOf: (row: SpendRow) => string,
): ReadonlyMap<string, bigint> =>
  new Map(
    [...Map.groupBy(rows, ({ asset = '' }) => asset)].map(([asset, same]) => [
      asset,
      sumOf(same.map(amountOf)),
    ]),
  );
