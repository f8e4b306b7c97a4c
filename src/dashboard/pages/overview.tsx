import { Link } from 'wouter-preact';
import { firstRows } from '../data/list.ts';
import { useQuery } from '../data/query.ts';
import { gatewayNow } from '../data/reader.ts';
import { type PeriodTotal, readSpend, readTotals, type SpendRow } from '../data/spending.ts';
import { decimalsFor, percentOf } from '../format/amount.ts';
import { shown } from '../format/text.ts';
import { dayOf, daysBefore } from '../format/time.ts';
import { AccountLink } from '../parts/account-link.tsx';
import { Amount } from '../parts/amount.tsx';
import { Bars } from '../parts/bars.tsx';
import { CommandLine } from '../parts/copy.tsx';
import { Empty } from '../parts/empty.tsx';
import { Page, Section } from '../parts/page.tsx';
import { Result } from '../parts/result.tsx';
import { Table } from '../parts/table.tsx';
import { Attention } from './attention.tsx';
import { CallTable } from './call-table.tsx';
import type { PageProps, Scope } from '../data/scope.ts';
import './overview.css';

const TITLES = { 1: 'Today', 7: 'Last 7 days', 30: 'Last 30 days' } as const;

/** The change against the period before: only from whole percents, and never against nothing. */
const changeOf = ({ charged, before }: PeriodTotal): string => {
  if (before === 0n) return charged === 0n ? 'as before' : 'nothing before';
  if (charged === before) return 'as before';
  return charged > before
    ? `${percentOf(charged - before, before)} more than before`
    : `${percentOf(before - charged, before)} less than before`;
};

const Figures = ({ totals }: { readonly totals: readonly PeriodTotal[] }) => (
  <ul class="figures">
    {totals.map((total) => (
      <li key={`${total.period} ${total.asset}`}>
        <p class="name">{TITLES[total.period]} (UTC)</p>
        <p class="value">
          <Amount atomic={total.charged} asset={total.asset} />
        </p>
        <p class="muted">
          {total.calls} calls, {changeOf(total)}
        </p>
      </li>
    ))}
  </ul>
);

const TOP = 5;

const Top = ({ scope, by }: { readonly scope: Scope; readonly by: 'tool' | 'account' }) => {
  const query = useQuery(`top ${by} ${scope.role} ${scope.account}`, (management, signal) => {
    const today = dayOf(gatewayNow());
    return readSpend(management, scope, by, daysBefore(today, 29), today, signal);
  });
  return (
    <Result query={query} rows={TOP}>
      {(rows) => {
        const sorted = rows.toSorted((a, b) => Number(BigInt(b.charged) - BigInt(a.charged)));
        const top = sorted.slice(0, TOP);
        const decimals = decimalsFor(top.map(({ charged }) => BigInt(charged)));
        return rows.length === 0 ? (
          <Empty title="Nothing was spent in 30 days.">
            <p>A paid call appears here within 15 seconds of its end.</p>
          </Empty>
        ) : (
          <>
            <Table<SpendRow>
              caption={`Spending of 30 days by ${by}`}
              keyOf={(row) => `${row.key} ${row.asset ?? ''}`}
              rows={top}
              columns={[
                {
                  head: by === 'tool' ? 'Tool' : 'Agent',
                  cell: ({ key }) => (by === 'tool' ? shown(key) : <AccountLink account={key} />),
                },
                { head: 'Calls', isNumber: true, drop: 1, cell: ({ calls }) => calls },
                { head: 'Denied', isNumber: true, drop: 2, cell: ({ denied }) => denied },
                {
                  head: 'Charged',
                  isNumber: true,
                  cell: ({ charged, asset }) => (
                    <Amount atomic={charged} asset={asset ?? ''} decimals={decimals} />
                  ),
                },
              ]}
            />
            {sorted.length > TOP ? (
              <p class="muted">
                {TOP} of {sorted.length}
              </p>
            ) : null}
          </>
        );
      }}
    </Result>
  );
};

/** What matters first: what needs a person, what was spent, who spent it, and what was decided last. */
export const Overview = ({ scope }: PageProps) => {
  const totals = useQuery(`totals ${scope.role} ${scope.account}`, (management, signal) =>
    readTotals(management, scope, signal),
  );
  const calls = useQuery(`newest ${scope.role} ${scope.account}`, (management, signal) =>
    scope.role === 'operator'
      ? firstRows(management, 'calls.list', {}, 8, signal)
      : firstRows(management, 'account.calls', { params: { account: scope.account } }, 8, signal),
  );
  return (
    <Page title="Overview">
      <Attention scope={scope} />
      <Section title={scope.role === 'operator' ? 'Spent at this gateway' : 'Spent by your fleet'}>
        <Result query={totals} rows={3}>
          {({ totals: figures, days }) => (
            <>
              <Figures totals={figures} />
              <Bars days={days} />
            </>
          )}
        </Result>
      </Section>
      <div class="columns">
        <Section title="By agent" note="30 days, UTC">
          <Top scope={scope} by="account" />
        </Section>
        <Section title="By tool" note="30 days, UTC">
          <Top scope={scope} by="tool" />
        </Section>
      </div>
      <Section title="Newest calls">
        <Result query={calls} rows={8}>
          {({ items }) =>
            items.length === 0 ? (
              <Empty title="No call yet.">
                <p>Let an agent call a tool, for example with the command line:</p>
                <CommandLine text={`npx countersign call ${location.origin}/… --max 0.01`} />
              </Empty>
            ) : (
              <CallTable rows={items} />
            )
          }
        </Result>
        <p>
          <Link href="/calls">All calls</Link>
        </p>
      </Section>
    </Page>
  );
};
