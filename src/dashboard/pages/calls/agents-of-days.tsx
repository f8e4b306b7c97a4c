import '../../parts/sum.css';
import type { CallFilters } from '../../data/calls/call-rows.ts';
import { listAddress } from '../../data/navigation/filters.ts';
import { useQuery } from '../../data/reading/query.ts';
import type { Scope } from '../../data/session/scope.ts';
import { readRanking } from '../../data/money/spending.ts';
import type { Period } from '../../format/period.ts';
import { Empty, NoAgentsYet } from '../../parts/empty.tsx';
import { Result } from '../../parts/result.tsx';
import { SpendTable } from '../../parts/spend-table.tsx';

/** The agents whose calls ended on some days, to choose one: the calls of these days add up to the total of one agent at a time. */
export const AgentsOfDays = ({
  scope,
  period,
  filters: { tool, state },
}: {
  readonly scope: Scope;
  readonly period: Period;
  readonly filters: Pick<CallFilters, 'tool' | 'state'>;
}) => {
  const query = useQuery(
    `agents of days ${scope.account} ${JSON.stringify([period, tool])}`,
    (management, signal) => {
      const narrow = tool === undefined ? {} : { tool };
      const ranking = { ...narrow, ...period, by: 'account', order: 'charged' } as const;
      return readRanking(management, scope, ranking, signal);
    },
  );
  return (
    <Result
      query={query}
      rows={6}
      unknown={
        <NoAgentsYet what="This page will list paid calls, each with its price and its proof." />
      }
    >
      {({ rows, of }) =>
        rows.length === 0 ? (
          <Empty title="No calls ended on these days.">
            <p>Choose other days, or clear the filter by tool.</p>
          </Empty>
        ) : (
          <>
            <p class="sum" role="status">
              Choose an agent to see its calls of these days
              {rows.length < of ? `: these are the first ${rows.length} of ${of} rows` : ''}.
            </p>
            <SpendTable
              rows={rows}
              by="account"
              hrefOf={({ key }) =>
                listAddress('/calls', { account: key, tool, outcome: state, ...period })
              }
              earnedHrefOf={undefined}
            />
          </>
        )
      }
    </Result>
  );
};
