import { useState } from 'preact/hooks';
import { Link } from 'wouter-preact';
import type { ItemOf } from '../../client/management.ts';
import { firstRows, PAGE_ROWS } from '../data/list.ts';
import { useQuery } from '../data/query.ts';
import { gatewayNow } from '../data/reader.ts';
import { decimalsFor } from '../format/amount.ts';
import { explorerLink } from '../../protocol/explorer.ts';
import { shortened, shown } from '../format/text.ts';
import { agoOf, momentOf } from '../format/time.ts';
import { AccountLink } from '../parts/account-link.tsx';
import { Amount } from '../parts/amount.tsx';
import { Badge } from '../parts/badge.tsx';
import { Empty } from '../parts/empty.tsx';
import { Page } from '../parts/page.tsx';
import { MoreRows } from '../parts/more-rows.tsx';
import { Result } from '../parts/result.tsx';
import { Table } from '../parts/table.tsx';

const STATES = ['open', 'settled', 'failed', 'released', 'kept'] as const;
type State = (typeof STATES)[number];
type Payment = ItemOf<'settlements.list'>;

/** Payments by state: open ones oldest first, with how long they have been open. For operators. */
export const Settlements = () => {
  const [state, setState] = useState<State>('open');
  const [rows, setRows] = useState(PAGE_ROWS);
  const query = useQuery(`settlements ${state} ${rows}`, (management, signal) =>
    firstRows(management, 'settlements.list', { query: { state } }, rows, signal),
  );
  const now = gatewayNow();
  return (
    <Page title="Settlements">
      <div class="tabs" role="group" aria-label="State">
        {STATES.map((each) => (
          <button
            key={each}
            type="button"
            aria-pressed={each === state}
            onClick={() => setState(each)}
          >
            {each}
          </button>
        ))}
      </div>
      <Result query={query} rows={10}>
        {({ items, isMore }) =>
          items.length === 0 ? (
            <Empty title={`No payment is ${state}.`}>
              <p>
                {state === 'open'
                  ? 'Every accepted payment has ended.'
                  : 'Choose another state above.'}
              </p>
            </Empty>
          ) : (
            <>
              <Table<Payment>
                caption={`Payments that are ${state}`}
                rows={items}
                keyOf={({ account, call }) => `${account} ${call}`}
                columns={[
                  {
                    head: state === 'open' ? 'Open for' : 'When',
                    cell: ({ at }) => <time title={momentOf(at)}>{agoOf(at, now)}</time>,
                  },
                  { head: 'Agent', cell: ({ account }) => <AccountLink account={account} /> },
                  {
                    head: 'Tool',
                    drop: 1,
                    cell: ({ account, call, tool }) => (
                      <Link href={`/calls/${account}/${call}`}>{shown(tool ?? 'unknown')}</Link>
                    ),
                  },
                  { head: 'State', drop: 2, cell: (payment) => <Badge state={payment.state} /> },
                  {
                    head: state === 'open' ? 'Last error' : 'Transaction',
                    drop: 1,
                    cell: (payment) =>
                      state === 'open' ? (
                        shown(payment.last_error ?? '–')
                      ) : (
                        <Chain payment={payment} />
                      ),
                  },
                  {
                    head: 'Amount',
                    isNumber: true,
                    cell: ({ amount, asset }) => (
                      <Amount
                        atomic={amount}
                        asset={asset ?? ''}
                        decimals={decimalsFor(items.map((item) => BigInt(item.amount)))}
                      />
                    ),
                  },
                ]}
              />
              <MoreRows isMore={isMore} rows={rows} onMore={setRows} />
            </>
          )
        }
      </Result>
    </Page>
  );
};

const Chain = ({ payment: { account, transaction } }: { readonly payment: Payment }) => {
  if (transaction === undefined) return <>–</>;
  const url = explorerLink(account.slice(0, account.lastIndexOf(':')), transaction);
  const text = <code>{shortened(transaction)}</code>;
  return url === undefined ? (
    text
  ) : (
    <a href={url} rel="noopener noreferrer" target="_blank">
      {text}
    </a>
  );
};
