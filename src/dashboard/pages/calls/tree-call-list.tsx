import '../../parts/sum.css';
import { useState } from 'preact/hooks';
import type { CallFilters } from '../../data/calls/call-rows.ts';
import { PAGE_ROWS } from '../../data/reading/list.ts';
import { LIST_SECONDS, useQuery } from '../../data/reading/query.ts';
import { MOST_OF_TREE, readTreeCalls } from '../../data/calls/tree-calls.ts';
import { shownCallsText } from '../../format/shown-calls.ts';
import { Empty, NoAgentsYet } from '../../parts/empty.tsx';
import { MoreRows } from '../../parts/more-rows.tsx';
import { Result } from '../../parts/result.tsx';
import { CallTable } from '../../parts/call-table.tsx';

/** Calls of an owner and its agents, newest first. Older ones are in the list of each agent. */
export const TreeCallList = ({
  account,
  filters: { tool, state },
}: {
  readonly account: string;
  readonly filters: Pick<CallFilters, 'tool' | 'state'>;
}) => {
  const [rows, setRows] = useState(PAGE_ROWS);
  const query = useQuery(
    `tree calls ${account} ${JSON.stringify([tool, state])}`,
    (management, signal) => readTreeCalls(management, account, { tool, state }, rows, signal),
    LIST_SECONDS,
    rows,
  );
  return (
    <Result
      query={query}
      rows={10}
      unknown={
        <NoAgentsYet what="This page will list paid calls, each with its price and its proof." />
      }
    >
      {(read) => {
        const text = shownCallsText(read, (tool ?? state) !== undefined);
        const isMore = read.shows !== 'all' && read.items.length === rows && rows < MOST_OF_TREE;
        return read.items.length === 0 ? (
          <Empty title="No calls match.">
            <p>
              {read.shows === 'all'
                ? 'A call appears here within 15 seconds of its decision. Clear the filters to see all calls.'
                : 'The gateway looked through the newest calls of your agents only. Choose an agent above to see all of its calls.'}
            </p>
          </Empty>
        ) : (
          <>
            {text === undefined ? null : (
              <p class="sum" role="status">
                {text}
              </p>
            )}
            <CallTable rows={read.items} />
            <MoreRows isMore={isMore} rows={rows} onMore={setRows} />
          </>
        );
      }}
    </Result>
  );
};
