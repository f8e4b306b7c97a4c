import '../../parts/sum.css';
import { listAddress } from '../../data/navigation/filters.ts';
import { useQuery } from '../../data/reading/query.ts';
import type { Scope } from '../../data/session/scope.ts';
import { readRanking } from '../../data/money/spending.ts';
import type { Period } from '../../format/period.ts';
import { AccountLink } from '../../parts/account-link.tsx';
import { DeniedCalls } from '../../parts/denied-calls.tsx';
import { DenialCounts, denialsIn } from '../../parts/denial-counts.tsx';
import { Empty } from '../../parts/empty.tsx';
import { Result } from '../../parts/result.tsx';

type DeniedFilters = Period & {
  readonly account?: string | undefined;
  readonly rule?: string | undefined;
  readonly tool?: string | undefined;
};

/** Agents whose calls were denied, to choose one. */
const DeniedAgents = ({
  scope,
  filters: { from, to, rule, tool },
}: {
  readonly scope: Scope;
  readonly filters: DeniedFilters;
}) => {
  const narrow = {
    ...(rule === undefined ? {} : { rule }),
    ...(tool === undefined ? {} : { tool }),
  };
  const key = `denied agents ${scope.role} ${scope.account} ${JSON.stringify([from, to, rule, tool])}`;
  const query = useQuery(key, (management, signal) => {
    const ranking = { ...narrow, by: 'account', from, to, order: 'denied' } as const;
    return readRanking(management, scope, ranking, signal);
  });
  return (
    <Result query={query} rows={6}>
      {({ rows, of }) => {
        const denied = denialsIn(rows);
        return rows.length === 0 ? (
          <Empty title="No calls were denied.">
            <p>Choose other days, or clear the filters by rule and tool.</p>
          </Empty>
        ) : (
          <>
            <p class="sum" role="status">
              <strong>{denied}</strong> {denied === 1 ? 'call was' : 'calls were'} denied
              {rows.length < of ? `, by the first ${rows.length} of ${of} agents` : ''}. Choose an
              agent to see them one by one.
            </p>
            <DenialCounts
              by="agent"
              rows={rows}
              cell={(row) => (
                <AccountLink
                  account={row.key}
                  label={row.label}
                  href={listAddress('/calls', {
                    ...{ outcome: 'denied', account: row.key, ...narrow, from, to },
                  })}
                />
              )}
            />
          </>
        );
      }}
    </Result>
  );
};

/** Denied calls, in place of the list of calls: those of one agent, or the agents to choose from. */
export const DeniedPart = ({
  scope,
  filters: { account, ...filters },
}: {
  readonly scope: Scope;
  readonly filters: DeniedFilters;
}) =>
  account === undefined ? (
    <DeniedAgents scope={scope} filters={filters} />
  ) : (
    <DeniedCalls filters={{ account, ...filters }} />
  );
