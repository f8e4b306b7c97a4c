import '../parts/sum-line.css';
import { useState } from 'preact/hooks';
import { Link } from 'wouter-preact';
import { type CallFilters, readCallRows } from '../data/call-rows.ts';
import { listAddress, useFilters } from '../data/filters.ts';
import { PAGE_ROWS } from '../data/list.ts';
import { useQuery } from '../data/query.ts';
import type { PageProps } from '../data/scope.ts';
import { Empty } from '../parts/empty.tsx';
import { FilterBar } from '../parts/filter-bar.tsx';
import { MoreRows } from '../parts/more-rows.tsx';
import { Page, Section } from '../parts/page.tsx';
import { Result } from '../parts/result.tsx';
import { CallTable } from './call-table.tsx';
import { CallSums, ChargeChanges } from './call-sums.tsx';

const STATES = {
  held: 'held (running)',
  committed: 'committed (answered)',
  released: 'released (failed, not charged)',
  abandoned: 'abandoned (no answer)',
} as const;
type State = keyof typeof STATES;
const isState = (text: string | undefined): text is State => text !== undefined && text in STATES;

/** Calls of all accounts, or of one, newest first. With days, it lists what their total counts, and says that it adds up. */
export const Calls = ({ scope }: PageProps) => {
  const [filters, change] = useFilters(['account', 'tool', 'state', 'from', 'to']);
  const [rows, setRows] = useState(PAGE_ROWS);
  const { state, ...others } = filters;
  const wanted: CallFilters = { ...others, ...(isState(state) ? { state } : {}) };
  const key = `calls ${scope.role} ${scope.account} ${JSON.stringify(filters)} ${rows}`;
  const query = useQuery(key, (management, signal) =>
    readCallRows(management, scope, wanted, rows, signal),
  );
  const { account = '', tool = '', from = '', to = '' } = filters;
  return (
    <Page title="Calls">
      <FilterBar
        fields={[
          {
            name: 'account',
            label: scope.role === 'operator' ? 'Agent' : 'Agent (empty: you)',
            type: 'search',
            value: account,
          },
          { name: 'tool', label: 'Tool', type: 'search', value: tool },
          { name: 'state', label: 'State', type: 'select', value: state ?? '', words: STATES },
          { name: 'from', label: 'Ended from (UTC day)', type: 'date', value: from },
          { name: 'to', label: 'Ended to (UTC day)', type: 'date', value: to },
        ]}
        onChange={change}
      />
      <p class="sum">
        <Link href={listAddress('/denials', { account, tool, from, to })}>Denied calls</Link> are on
        a page of their own. They cost nothing.
      </p>
      <Result query={query} rows={10}>
        {(read) => (
          <>
            <CallSums read={read} isFiltered={isState(state)} />
            {read.calls.items.length === 0 ? (
              <Empty title="No calls match.">
                <p>
                  A call appears here within 15 seconds of its decision. Clear the filters to see
                  all calls.
                </p>
              </Empty>
            ) : (
              <>
                <CallTable rows={read.calls.items} />
                <MoreRows isMore={read.calls.isMore} rows={rows} onMore={setRows} />
              </>
            )}
            {read.changes === undefined || read.changes.items.length === 0 ? null : (
              <Section title="Later changes to charges">
                <ChargeChanges rows={read.changes.items} />
              </Section>
            )}
          </>
        )}
      </Result>
    </Page>
  );
};
