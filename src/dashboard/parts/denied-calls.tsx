import './sum.css';
import { useState } from 'preact/hooks';
import {
  type DenialFilters,
  deniedIn,
  type DenialList,
  readDeniedCalls,
} from '../data/calls/denied-calls.ts';
import { PAGE_ROWS } from '../data/reading/list.ts';
import { useQuery } from '../data/reading/query.ts';
import { counted } from '../format/amount.ts';
import { DenialTable } from './denial-table.tsx';
import { Empty } from './empty.tsx';
import { MoreRows } from './more-rows.tsx';
import { Result } from './result.tsx';

/** Denials are read from the log of the agent, which takes longer than a list. */
const DENIAL_SECONDS = 60;

const agreement = ({ rows, total, isMore }: DenialList): string => {
  const denied = deniedIn(rows);
  const some = counted(rows.length, 'row');
  if (isMore) return `The newest ${some}: ${denied} of ${total} denied calls.`;
  const calls = counted(denied, 'denied call');
  return denied === total
    ? `${some}: ${calls}, equal to the total of this agent.`
    : `${some}: ${calls}; the total, read a moment before, is ${total}.`;
};

/** The denials of one agent, newest first, next to their total. */
export const DeniedCalls = ({ filters }: { readonly filters: DenialFilters }) => {
  const [most, setMost] = useState(PAGE_ROWS);
  const query = useQuery(
    `denied ${JSON.stringify(filters)}`,
    (management, signal) => readDeniedCalls(management, filters, most, signal),
    DENIAL_SECONDS,
    most,
  );
  return (
    <Result query={query} rows={6}>
      {(read) =>
        read.rows.length === 0 ? (
          <Empty title="No calls of this agent were denied.">
            <p>
              A denial appears here within 30 seconds. Choose other days, or clear the filters by
              rule and tool.
            </p>
          </Empty>
        ) : (
          <>
            <p class="sum" role="status">
              {agreement(read)}
            </p>
            <DenialTable rows={read.rows} />
            <MoreRows isMore={read.isMore} rows={most} onMore={setMost} />
            <p class="muted">
              The first denial by a rule is a row. One more row counts those of the next ten
              seconds, with the time, the tool and the limit of the first of these.
            </p>
          </>
        )
      }
    </Result>
  );
};
