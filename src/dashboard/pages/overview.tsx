import { Link } from 'wouter-preact';
import { useFilters, listAddress } from '../data/filters.ts';
import { firstRows } from '../data/list.ts';
import { type Days, readFigures, rowsOf } from '../data/overview.ts';
import { useQuery } from '../data/query.ts';
import type { PageProps } from '../data/scope.ts';
import { Bars } from '../parts/bars.tsx';
import { CommandLine } from '../parts/copy.tsx';
import { Empty } from '../parts/empty.tsx';
import { Page, Section } from '../parts/page.tsx';
import { Result } from '../parts/result.tsx';
import { Attention } from './attention.tsx';
import { CallTable } from './call-table.tsx';
import { PeriodFigures, RuleList, Top, Waiting } from './figures.tsx';
import './overview.css';

const DAYS: readonly (readonly [Days, string])[] = [
  ['1', 'today'],
  ['7', '7 days'],
  ['30', '30 days'],
];

const isDays = (text: string | undefined): text is Days => DAYS.some(([days]) => days === text);

/** What matters first: what needs a person, what was spent, who spent it, and what was decided last. */
export const Overview = ({ scope }: PageProps) => {
  const [{ days: asked }] = useFilters(['days']);
  const days = isDays(asked) ? asked : '7';
  const figures = useQuery(`figures ${scope.role} ${scope.account} ${days}`, (management, signal) =>
    readFigures(management, scope, days, signal),
  );
  const calls = useQuery(`newest ${scope.role} ${scope.account}`, (management, signal) =>
    scope.role === 'operator'
      ? firstRows(management, 'calls.list', {}, 8, signal)
      : firstRows(management, 'account.calls', { params: { account: scope.account } }, 8, signal),
  );
  return (
    <Page title="Overview">
      <Attention scope={scope} />
      <Result query={figures} rows={9}>
        {(read) => (
          <>
            <Section
              title={scope.role === 'operator' ? 'Spent at this gateway' : 'Spent by your fleet'}
              note="UTC days"
            >
              <PeriodFigures figures={read} of="charged" />
              <Bars days={rowsOf(read.days)} />
            </Section>
            {scope.role === 'operator' ? (
              <Section
                title="Earned"
                note="settled payments and used credit, less refunds; UTC days"
              >
                <PeriodFigures figures={read} of="earned" />
              </Section>
            ) : null}
            <div class="tabs" role="group" aria-label="Days of the lists below">
              {DAYS.map(([each, name]) => (
                <Link
                  key={each}
                  class="tab"
                  href={listAddress('/', { days: each })}
                  aria-current={each === days ? 'true' : undefined}
                >
                  {name}
                </Link>
              ))}
            </div>
            <div class="columns">
              <Section title="By agent">
                <Top figures={read} by="account" />
              </Section>
              <Section title="By tool">
                <Top figures={read} by="tool" role={scope.role} />
              </Section>
              <Section title="Denied, by rule">
                <RuleList figures={read} />
              </Section>
              {scope.role === 'operator' ? (
                <Section title="Not settled yet">
                  <Waiting figures={read} />
                </Section>
              ) : null}
            </div>
          </>
        )}
      </Result>
      <Section title="Newest calls">
        <Result query={calls} rows={8}>
          {({ items }) =>
            items.length === 0 ? (
              <Empty title="No calls yet.">
                <p>Call a tool as an agent, for example with the command line:</p>
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
