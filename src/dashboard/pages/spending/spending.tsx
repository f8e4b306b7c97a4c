import { Link } from 'wouter-preact';
import { listAddress, useFilters } from '../../data/navigation/filters.ts';
import { withEmptyDays } from '../../data/money/day-rows.ts';
import { useQuery } from '../../data/reading/query.ts';
import { gatewayNow } from '../../data/gateway/gateway-clock.ts';
import type { PageProps } from '../../data/session/scope.ts';
import { readDays, readRanking, type SpendRow } from '../../data/money/spending.ts';
import { sumsOf } from '../../data/money/sums.ts';
import { counted, countOf } from '../../format/amount.ts';
import { periodOf } from '../../format/period.ts';
import { dayOf } from '../../format/time.ts';
import { Empty, NoAgentsYet } from '../../parts/empty.tsx';
import { FilterBar } from '../../parts/filter-bar.tsx';
import { agentField, dayFields, toolField } from '../../parts/filter-fields.ts';
import { Page } from '../../parts/page.tsx';
import { Result } from '../../parts/result.tsx';
import { SumLine } from './sum-line.tsx';
import { SpendChart } from './spend-chart.tsx';
import { type Key, KEYS, SpendTable } from '../../parts/spend-table.tsx';

/** Days of the page until a person chooses others. */
const DAYS = 30;

const isKey = (text: string | undefined): text is Key => text !== undefined && text in KEYS;

/** The rows behind a total of spending: by day, agent, tool or payee, with their sum. */
export const Spending = ({ scope }: PageProps) => {
  const [filters, change] = useFilters(['by', 'from', 'to', 'account', 'tool']);
  const by: Key = isKey(filters.by) ? filters.by : 'day';
  const { by: _, from: __, to: ___, ...narrow } = filters;
  const { account, tool } = narrow;
  const period = periodOf(filters, dayOf(gatewayNow()), DAYS);
  const key = `spending ${scope.role} ${scope.account} ${JSON.stringify({ by, ...narrow, ...period })}`;
  const query = useQuery(key, async (management, signal) => {
    if (by !== 'day') {
      return readRanking(management, scope, { ...narrow, ...period, by, order: 'charged' }, signal);
    }
    const rows = await readDays(management, scope, { ...narrow, ...period }, signal);
    const spent = withEmptyDays(rows, period.from, period.to);
    return { rows: spent, of: spent.length };
  });
  const hrefOf = (row: SpendRow): string | undefined => {
    const calls = { ...period, ...narrow };
    if (by === 'account')
      return listAddress('/spending', { ...calls, by: 'day', account: row.key });
    if (by === 'payee') return undefined;
    const narrower = by === 'day' ? { from: row.key, to: row.key } : { tool: row.key };
    // Only operators can list the calls of several agents together.
    return scope.role === 'operator' || account !== undefined
      ? listAddress('/calls', { ...calls, ...narrower })
      : listAddress('/spending', { ...calls, ...narrower, by: 'account' });
  };
  const earnedHrefOf = ({ key: day, asset }: SpendRow): string =>
    listAddress('/earned', { from: day, to: day, asset, tool });
  return (
    <Page title="Spending">
      <div class="tabs" role="group" aria-label="By">
        {(Object.keys(KEYS) as readonly Key[]).map((each) => (
          <Link
            key={each}
            href={listAddress('/spending', { ...filters, by: each })}
            aria-current={each === by ? 'true' : undefined}
          >
            by {each === 'account' ? 'agent' : each}
          </Link>
        ))}
      </div>
      <FilterBar
        fields={[...dayFields(period), agentField(scope, account), toolField(tool)]}
        onChange={change}
      />
      <Result
        query={query}
        rows={8}
        unknown={
          <NoAgentsYet what="This page will add up what your agents spend, by day, agent, tool and payee." />
        }
      >
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
          const hasEarned = by === 'day' && rows.some(({ earned }) => earned !== undefined);
          return (
            <>
              <SumLine
                isWhole={rows.length === of}
                what={rowsText(rows, of, { by, hasTopUps: tool === undefined })}
                sums={sumsOf(rows, ({ charged }) => charged)}
                earned={hasEarned ? sumsOf(rows, ({ earned = '0' }) => earned) : undefined}
              />
              {by === 'day' ? <SpendChart rows={rows} today={dayOf(gatewayNow())} /> : null}
              <SpendTable
                rows={rows}
                by={by}
                hrefOf={hrefOf}
                earnedHrefOf={hasEarned ? earnedHrefOf : undefined}
              />
            </>
          );
        }}
      </Result>
    </Page>
  );
};

/** @param hasTopUps whether the rows may count top-ups: they are calls that charge nothing */
const rowsText = (
  rows: readonly SpendRow[],
  of: number,
  { by, hasTopUps }: { readonly by: Key; readonly hasTopUps: boolean },
): string => {
  // A day, an agent or a tool with charges in two assets has two rows.
  const keys = new Set(rows.map((row) => row.key)).size;
  const calls = rows.reduce((sum, row) => sum + row.calls, 0);
  const shownRows =
    rows.length === of
      ? counted(keys, by === 'account' ? 'agent' : by)
      : `${countOf(rows.length)} of ${countOf(of)} rows`;
  return `${shownRows}, ${counted(calls, 'call')}${hasTopUps ? ', top-ups included' : ''}`;
};
