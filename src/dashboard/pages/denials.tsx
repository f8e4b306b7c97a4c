import type { ComponentChildren } from 'preact';
import { Link } from 'wouter-preact';
import { listAddress, useFilters } from '../data/filters.ts';
import { useQuery } from '../data/query.ts';
import { gatewayNow } from '../data/reader.ts';
import type { PageProps } from '../data/scope.ts';
import { readRanking, type SpendKey, type SpendRow } from '../data/spending.ts';
import { shown, worded } from '../format/text.ts';
import { dayOf, daysBefore } from '../format/time.ts';
import { AccountLink } from '../parts/account-link.tsx';
import { Empty } from '../parts/empty.tsx';
import { FilterBar } from '../parts/filter-bar.tsx';
import { Page, Section } from '../parts/page.tsx';
import { Result } from '../parts/result.tsx';
import { Table } from '../parts/table.tsx';

const countOf = (rows: readonly SpendRow[]): number =>
  rows.reduce((sum, { denied }) => sum + denied, 0);

/** Whether the lists below add up to the number above them: a long one is cut, and each is read a moment after the other. */
const agreement = (
  total: number,
  lists: Readonly<Record<string, { readonly rows: readonly SpendRow[]; readonly of: number }>>,
): string => {
  const cut = Object.entries(lists).find(([, { rows, of }]) => rows.length < of);
  if (cut !== undefined) {
    const [name, { rows, of }] = cut;
    return ` The list by ${name} shows the first ${rows.length} of ${of}.`;
  }
  return Object.values(lists).every(({ rows }) => countOf(rows) === total)
    ? ' Each list below adds up to this number.'
    : ' Calls were denied while the lists below were read: the next reading adds up again.';
};

/** Denied calls by rule, by agent, by tool and by day. The parts add up to the same total, because each comes from the same rows. */
export const Denials = ({ scope }: PageProps) => {
  const [filters, change] = useFilters(['from', 'to', 'rule', 'account', 'tool']);
  const to = filters.to ?? dayOf(gatewayNow());
  const from = filters.from ?? daysBefore(to, 6);
  const { rule, account, tool } = filters;
  const narrow = {
    ...(rule === undefined ? {} : { rule }),
    ...(account === undefined ? {} : { account }),
    ...(tool === undefined ? {} : { tool }),
  };
  const key = `denials ${scope.role} ${scope.account} ${JSON.stringify([from, to, rule, account, tool])}`;
  const query = useQuery(key, (management, signal) => {
    const read = (by: SpendKey) =>
      readRanking(management, scope, { ...narrow, by, from, to, order: 'denied' }, signal);
    return Promise.all([read('rule'), read('account'), read('tool'), read('day')] as const);
  });
  const columnsOf = (head: string, cell: (row: SpendRow) => ComponentChildren) => [
    { head, cell },
    { head: 'Denied', isNumber: true, cell: ({ denied }: SpendRow) => denied },
  ];
  const narrower = (more: Readonly<Record<string, string>>): string =>
    listAddress('/denials', { ...narrow, from, to, ...more });
  return (
    <Page title="Denials">
      <FilterBar
        fields={[
          { name: 'from', label: 'From (UTC day)', type: 'date', value: from },
          { name: 'to', label: 'To (UTC day)', type: 'date', value: to },
          { name: 'rule', label: 'Rule', type: 'search', value: rule ?? '' },
          { name: 'account', label: 'Agent', type: 'search', value: account ?? '' },
          { name: 'tool', label: 'Tool', type: 'search', value: tool ?? '' },
        ]}
        onChange={change}
      />
      <Result query={query} rows={8}>
        {([rules, accounts, tools, days]) =>
          rules.rows.length === 0 ? (
            <Empty title="No calls were denied in this period.">
              <p>
                A denial counts on the day on which it happened. Equal denials are recorded
                together, up to ten seconds later.
              </p>
            </Empty>
          ) : (
            <>
              <p class="sum" role="status">
                <strong>{countOf(rules.rows)}</strong> calls were denied.
                {agreement(countOf(rules.rows), { agent: accounts, tool: tools, day: days })}
              </p>
              <div class="columns">
                <Section title="By rule">
                  <Table<SpendRow>
                    caption="Denied calls by rule"
                    keyOf={(row) => row.key}
                    rows={rules.rows}
                    columns={columnsOf('Rule', (row) => (
                      <Link href={narrower({ rule: row.key })}>{worded(row.key)}</Link>
                    ))}
                  />
                </Section>
                <Section title="By agent">
                  <Table<SpendRow>
                    caption="Denied calls by agent"
                    keyOf={(row) => row.key}
                    rows={accounts.rows}
                    columns={columnsOf('Agent', (row) => (
                      <AccountLink account={row.key} />
                    ))}
                  />
                </Section>
                <Section title="By tool">
                  <Table<SpendRow>
                    caption="Denied calls by tool"
                    keyOf={(row) => row.key}
                    rows={tools.rows}
                    columns={columnsOf('Tool', (row) => (
                      <Link href={narrower({ tool: row.key })}>{shown(row.key)}</Link>
                    ))}
                  />
                </Section>
                <Section title="By day" note="UTC">
                  <Table<SpendRow>
                    caption="Denied calls by day"
                    keyOf={(row) => row.key}
                    rows={days.rows}
                    columns={columnsOf('Day', (row) => (
                      <Link href={narrower({ from: row.key, to: row.key })}>{row.key}</Link>
                    ))}
                  />
                </Section>
              </div>
            </>
          )
        }
      </Result>
    </Page>
  );
};
