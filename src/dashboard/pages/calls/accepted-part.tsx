import '../../parts/sum.css';
import { useState } from 'preact/hooks';
import { type CallFilters, readCallRows } from '../../data/calls/call-rows.ts';
import { PAGE_ROWS } from '../../data/reading/list.ts';
import { LIST_SECONDS, useQuery } from '../../data/reading/query.ts';
import { ChargeChanges } from '../../parts/charge-changes.tsx';
import { Empty } from '../../parts/empty.tsx';
import { MoreRows } from '../../parts/more-rows.tsx';
import { Section } from '../../parts/page.tsx';
import { Result } from '../../parts/result.tsx';
import { CallTable } from '../../parts/call-table.tsx';
import { CallSums } from './call-sums.tsx';

/**
 * Accepted calls of an account, or for an operator of all, newest first. With days, it lists the calls in their total, and compares the sum
 * with the total.
 */
export const AcceptedPart = ({ filters }: { readonly filters: CallFilters }) => {
  const [rows, setRows] = useState(PAGE_ROWS);
  const key = `calls ${JSON.stringify(filters)}`;
  const query = useQuery(
    key,
    (management, signal) => readCallRows(management, filters, rows, signal),
    LIST_SECONDS,
    rows,
  );
  return (
    <Result query={query} rows={10}>
      {(read) => (
        <>
          <CallSums read={read} state={filters.state} />
          {read.calls.items.length === 0 ? (
            <Empty title="No calls match.">
              <p>
                A call appears here within 15 seconds of its decision. Clear the filters to see all
                calls.
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
  );
};
