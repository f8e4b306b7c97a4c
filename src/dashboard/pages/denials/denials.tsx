import { Link } from 'wouter-preact';
import { listAddress, useFilters } from '../../data/navigation/filters.ts';
import { useQuery } from '../../data/reading/query.ts';
import { gatewayNow } from '../../data/gateway/gateway-clock.ts';
import type { PageProps } from '../../data/session/scope.ts';
import { readRanking, type SpendKey, type SpendRow } from '../../data/money/spending.ts';
import { countOf } from '../../format/amount.ts';
import { ruleName, ruleWords } from '../../../policy/rule-name.ts';
import { shown } from '../../format/text.ts';
import { periodOf } from '../../format/period.ts';
import { dayOf } from '../../format/time.ts';
import { AccountLink } from '../../parts/account-link.tsx';
import { DeniedCalls } from '../../parts/denied-calls.tsx';
import { DenialCounts, denialsIn } from '../../parts/denial-counts.tsx';
import { Empty, NoAgentsYet } from '../../parts/empty.tsx';
import { FilterBar } from '../../parts/filter-bar.tsx';
import { agentField, dayFields, toolField } from '../../parts/filter-fields.ts';
import { Page, Section } from '../../parts/page.tsx';
import { Result } from '../../parts/result.tsx';

/** Days of the page until a person chooses others. */
const DAYS = 7;

/** Whether the lists add up to the number above them: a long list is cut, and the lists are read one after the other. */
const agreement = (
  total: number,
  lists: Readonly<Record<string, { readonly rows: readonly SpendRow[]; readonly of: number }>>,
): string => {
  const cut = Object.entries(lists).find(([, { rows, of }]) => rows.length < of);
  if (cut !== undefined) {
    const [name, { rows, of }] = cut;
    return ` The list by ${name} shows the first ${countOf(rows.length)} of ${countOf(of)}.`;
  }
  return Object.values(lists).every(({ rows }) => denialsIn(rows) === total)
    ? ' Each list below adds up to this number.'
    : ' Calls were denied while the lists below were read: the next reading adds up again.';
};

/**
 * Denied calls by rule, by agent, by tool and by day. The parts add up to the same total, because each comes from the same rows. For a
 * chosen agent also each single denial, from its log.
 */
export const Denials = ({ scope }: PageProps) => {
  const [filters, change] = useFilters(['from', 'to', 'rule', 'account', 'tool']);
  const { from: _, to: __, ...narrow } = filters;
  const { rule, account, tool } = narrow;
  const period = periodOf(filters, dayOf(gatewayNow()), DAYS);
  const key = `denials ${scope.role} ${scope.account} ${JSON.stringify({ ...narrow, ...period })}`;
  const query = useQuery(key, (management, signal) => {
    const read = (by: SpendKey) =>
      readRanking(management, scope, { ...narrow, ...period, by, order: 'denied' }, signal);
    return Promise.all([read('rule'), read('account'), read('tool'), read('day')] as const);
  });
  const narrower = (more: Readonly<Record<string, string>>): string =>
    listAddress('/denials', { ...narrow, ...period, ...more });
  return (
    <Page title="Denials">
      <FilterBar
        fields={[
          ...dayFields(period),
          {
            ...{ name: 'rule', label: 'Rule', type: 'select', words: ruleWords(rule) },
            value: rule ?? '',
          },
          agentField(scope, account),
          toolField(tool),
        ]}
        onChange={change}
      />
      <Result
        query={query}
        rows={8}
        unknown={
          <NoAgentsYet what="This page will count the calls that a limit denies, and name the limit." />
        }
      >
        {([rules, accounts, tools, days]) =>
          rules.rows.length === 0 ? (
            <Empty title="No calls were denied in this period.">
              <p>
                A denial counts on the day on which it happened. Further denials by the same rule
                within ten seconds appear together after that time.
              </p>
            </Empty>
          ) : (
            <>
              <p class="sum" role="status">
                <strong>{countOf(denialsIn(rules.rows))}</strong>{' '}
                {denialsIn(rules.rows) === 1 ? 'call was' : 'calls were'} denied.
                {agreement(denialsIn(rules.rows), { agent: accounts, tool: tools, day: days })}
                {account === undefined ? ' Choose an agent to see its denials one by one.' : ''}
              </p>
              {account === undefined ? null : (
                <Section title="One by one">
                  <DeniedCalls filters={{ ...period, account, rule, tool }} />
                </Section>
              )}
              <div class="columns">
                <Section title="By agent">
                  <DenialCounts
                    by="agent"
                    rows={accounts.rows}
                    cell={(row) => (
                      <AccountLink
                        account={row.key}
                        label={row.label}
                        href={account === undefined ? narrower({ account: row.key }) : undefined}
                      />
                    )}
                  />
                </Section>
                <Section title="By rule">
                  <DenialCounts
                    by="rule"
                    rows={rules.rows}
                    cell={(row) => (
                      <Link href={narrower({ rule: row.key })}>{ruleName(row.key)}</Link>
                    )}
                  />
                </Section>
                <Section title="By tool">
                  <DenialCounts
                    by="tool"
                    rows={tools.rows}
                    cell={(row) => <Link href={narrower({ tool: row.key })}>{shown(row.key)}</Link>}
                  />
                </Section>
                <Section title="By day" note="UTC">
                  <DenialCounts
                    by="day"
                    rows={days.rows.toSorted((a, b) => (a.key < b.key ? 1 : -1))}
                    cell={(row) => (
                      <Link href={narrower({ from: row.key, to: row.key })}>{row.key}</Link>
                    )}
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
