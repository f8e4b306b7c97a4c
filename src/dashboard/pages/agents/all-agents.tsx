import { useState } from 'preact/hooks';
import type { AccountFilter } from '../../data/accounts/account-page.ts';
import { useAccounts } from '../../data/accounts/use-accounts.ts';
import type { Status } from '../../data/accounts/status-acts.ts';
import { Empty } from '../../parts/empty.tsx';
import { Result } from '../../parts/result.tsx';
import { AccountTable } from './account-table.tsx';

const STATUSES: readonly Status[] = ['active', 'paused', 'frozen', 'revoked'];

/** All accounts of the gateway, for an operator. The gateway searches; only rows on the screen are read at their account. */
export const AllAgents = () => {
  const [label, setLabel] = useState('');
  const [status, setStatus] = useState<Status | undefined>(undefined);
  const filter: AccountFilter = {
    ...(label === '' ? {} : { label }),
    ...(status === undefined ? {} : { status }),
  };
  const query = useAccounts(filter);
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
        {(first) =>
          first.items.length === 0 ? (
            <Empty title={isFiltered ? 'No account matches these filters.' : 'No accounts yet.'}>
              <p>The first paid call, top-up or grant opens an account.</p>
            </Empty>
          ) : (
            <AccountTable key={`${status ?? ''} ${label}`} filter={filter} first={first} />
          )
        }
      </Result>
    </>
  );
};
