import { useState } from 'preact/hooks';
import { firstRows, PAGE_ROWS } from '../data/list.ts';
import { useQuery } from '../data/query.ts';
import type { Status } from '../data/status-acts.ts';
import { Empty } from '../parts/empty.tsx';
import { MoreRows } from '../parts/more-rows.tsx';
import { Result } from '../parts/result.tsx';
import { AgentHeads, AgentRow } from './agent-row.tsx';

const STATUSES: readonly Status[] = ['active', 'paused', 'frozen', 'revoked'];

/** All accounts of the gateway, for an operator. The gateway searches; only rows on the screen are read at their account. */
export const AllAgents = () => {
  const [label, setLabel] = useState('');
  const [status, setStatus] = useState<Status | undefined>(undefined);
  const [rows, setRows] = useState(PAGE_ROWS);
  const query = useQuery(`agents ${label} ${status ?? ''} ${rows}`, (management, signal) => {
    const filter = {
      ...(label === '' ? {} : { label }),
      ...(status === undefined ? {} : { status }),
    };
    return firstRows(management, 'accounts.list', { query: filter }, rows, signal);
  });
  const isFiltered = label !== '' || status !== undefined;
  return (
    <>
      <form class="filters" onSubmit={(event) => event.preventDefault()}>
        <label>
          Name
          <input
            type="search"
            value={label}
            onInput={(event) => setLabel(event.currentTarget.value)}
          />
        </label>
        <label>
          Status
          <select
            value={status ?? ''}
            onChange={({ currentTarget: { value } }) =>
              setStatus(STATUSES.find((each) => each === value))
            }
          >
            <option value="">any</option>
            {STATUSES.map((each) => (
              <option key={each} value={each}>
                {each}
              </option>
            ))}
          </select>
        </label>
      </form>
      <Result query={query} rows={10}>
        {({ items, isMore }) =>
          items.length === 0 ? (
            <Empty title={isFiltered ? 'No account matches these filters.' : 'No accounts yet.'}>
              <p>The first paid call, top-up or grant opens an account.</p>
            </Empty>
          ) : (
            <>
              <div class="scroll" tabIndex={0} role="region" aria-label="Accounts">
                <table>
                  <caption class="unseen">Accounts</caption>
                  <thead>
                    <tr>
                      <AgentHeads />
                    </tr>
                  </thead>
                  <tbody>
                    {items.map(({ account, label: name, status: now }) => (
                      <AgentRow
                        key={account}
                        account={account}
                        label={name}
                        status={now}
                        role="operator"
                      />
                    ))}
                  </tbody>
                </table>
              </div>
              <MoreRows isMore={isMore} rows={rows} onMore={setRows} />
            </>
          )
        }
      </Result>
    </>
  );
};
