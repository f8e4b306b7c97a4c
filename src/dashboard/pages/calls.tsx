import { useState } from 'preact/hooks';
import { firstRows, PAGE_ROWS } from '../data/list.ts';
import { useQuery } from '../data/query.ts';
import { Empty } from '../parts/empty.tsx';
import { Page } from '../parts/page.tsx';
import { MoreRows } from '../parts/more-rows.tsx';
import { Result } from '../parts/result.tsx';
import { CallTable } from './call-table.tsx';
import type { PageProps } from '../data/scope.ts';

const STATES = ['held', 'committed', 'released', 'abandoned'] as const;
type State = (typeof STATES)[number];

/** The calls of all accounts, or of one's own, newest first. */
export const Calls = ({ scope }: PageProps) => {
  const [tool, setTool] = useState('');
  const [state, setState] = useState<State | ''>('');
  const [rows, setRows] = useState(PAGE_ROWS);
  const filter = { ...(tool === '' ? {} : { tool }), ...(state === '' ? {} : { state }) };
  const key = `calls ${scope.role} ${scope.account} ${tool} ${state} ${rows}`;
  const query = useQuery(key, (management, signal) =>
    scope.role === 'operator'
      ? firstRows(management, 'calls.list', { query: filter }, rows, signal)
      : firstRows(
          management,
          'account.calls',
          { params: { account: scope.account }, query: filter },
          rows,
          signal,
        ),
  );
  return (
    <Page title="Calls">
      <form class="filters" onSubmit={(event) => event.preventDefault()}>
        <label>
          Tool
          <input
            type="search"
            value={tool}
            spellcheck={false}
            onChange={(event) => setTool(event.currentTarget.value.trim())}
          />
        </label>
        <label>
          State
          <select
            value={state}
            onChange={(event) => setState(event.currentTarget.value as State | '')}
          >
            <option value="">all</option>
            {STATES.map((each) => (
              <option key={each}>{each}</option>
            ))}
          </select>
        </label>
      </form>
      <Result query={query} rows={10}>
        {({ items, isMore }) =>
          items.length === 0 ? (
            <Empty title="No call matches.">
              <p>
                Calls appear within 15 seconds of their decision. Denials are on the page of their
                agent.
              </p>
            </Empty>
          ) : (
            <>
              <CallTable rows={items} />
              <MoreRows isMore={isMore} rows={rows} onMore={setRows} />
            </>
          )
        }
      </Result>
    </Page>
  );
};
