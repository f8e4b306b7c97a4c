import { useState } from 'preact/hooks';
import type { ItemOf } from '../../client/management.ts';
import { firstRows, PAGE_ROWS } from '../data/list.ts';
import { useQuery } from '../data/query.ts';
import { gatewayNow } from '../data/reader.ts';
import { agoOf, momentOf } from '../format/time.ts';
import { AccountLink } from '../parts/account-link.tsx';
import { Amount } from '../parts/amount.tsx';
import { Badge } from '../parts/badge.tsx';
import { CommandLine, Id } from '../parts/copy.tsx';
import { Empty } from '../parts/empty.tsx';
import { Page } from '../parts/page.tsx';
import { MoreRows } from '../parts/more-rows.tsx';
import { Result } from '../parts/result.tsx';
import { Table } from '../parts/table.tsx';
import { addressIn } from '../format/text.ts';
import type { PageProps } from '../data/scope.ts';

const NONE = (
  <Empty title="No agent yet.">
    <p>Derive a key for each agent and grant it a budget with the command line:</p>
    <CommandLine
      text={`npx countersign fleet new team --agents 3 --per-day 0.50 --gateway ${location.origin}`}
    />
  </Empty>
);

/** All accounts of the gateway, for an operator. */
const AllAgents = () => {
  const [label, setLabel] = useState('');
  const [rows, setRows] = useState(PAGE_ROWS);
  const query = useQuery(`agents ${label} ${rows}`, (management, signal) =>
    firstRows(management, 'accounts.list', label === '' ? {} : { query: { label } }, rows, signal),
  );
  const now = gatewayNow();
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
      </form>
      <Result query={query} rows={10}>
        {({ items, isMore }) =>
          items.length === 0 ? (
            NONE
          ) : (
            <>
              <Table<ItemOf<'accounts.list'>>
                caption="Accounts"
                rows={items}
                keyOf={({ account }) => account}
                columns={[
                  {
                    head: 'Agent',
                    cell: ({ account, label: name }) => (
                      <AccountLink account={account} label={name} />
                    ),
                  },
                  { head: 'Status', cell: ({ status }) => <Badge state={status} /> },
                  {
                    head: 'Owner',
                    drop: 1,
                    cell: ({ parent }) =>
                      parent === undefined ? '–' : <AccountLink account={parent} />,
                  },
                  {
                    head: 'Address',
                    drop: 2,
                    cell: ({ account }) => <Id text={addressIn(account)} label="the address" />,
                  },
                  {
                    head: 'First seen',
                    drop: 2,
                    cell: ({ first_at: at }) =>
                      at === undefined ? (
                        '–'
                      ) : (
                        <time title={momentOf(at)}>{agoOf(at, now)} ago</time>
                      ),
                  },
                ]}
              />
              <MoreRows isMore={isMore} rows={rows} onMore={setRows} />
            </>
          )
        }
      </Result>
    </>
  );
};

/** The agents that an account has granted to. */
export const Children = ({ account }: { readonly account: string }) => {
  const [rows, setRows] = useState(PAGE_ROWS);
  const query = useQuery(`tree ${account} ${rows}`, (management, signal) =>
    firstRows(management, 'account.tree', { params: { account } }, rows, signal),
  );
  return (
    <Result query={query} rows={6}>
      {({ items, isMore }) =>
        items.length === 0 ? (
          NONE
        ) : (
          <>
            <Table<ItemOf<'account.tree'>>
              caption="Agents"
              rows={items}
              keyOf={({ grant }) => grant}
              columns={[
                { head: 'Agent', cell: ({ account: child }) => <AccountLink account={child} /> },
                { head: 'Grant', cell: ({ status }) => <Badge state={status} /> },
                {
                  head: 'Valid until',
                  drop: 1,
                  cell: ({ valid_until: at }) => <time>{momentOf(at)}</time>,
                },
                {
                  head: 'Spent',
                  isNumber: true,
                  cell: ({ spent }) => <Amount atomic={spent} asset="" />,
                },
              ]}
            />
            <MoreRows isMore={isMore} rows={rows} onMore={setRows} />
          </>
        )
      }
    </Result>
  );
};

/** Every agent that may spend, and whether it may now. */
export const Agents = ({ scope }: PageProps) => (
  <Page title="Agents">
    {scope.role === 'operator' ? <AllAgents /> : <Children account={scope.account} />}
  </Page>
);
