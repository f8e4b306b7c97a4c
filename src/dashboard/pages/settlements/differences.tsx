import { Link } from 'wouter-preact';
import type { ItemOf } from '../../../client/management.ts';
import { firstRows, PAGE_ROWS } from '../../data/reading/list.ts';
import { useQuery } from '../../data/reading/query.ts';
import { gatewayNow } from '../../data/gateway/gateway-clock.ts';
import { agoOf, exactMomentOf } from '../../format/time.ts';
import { AccountLink } from '../../parts/account-link.tsx';
import { Badge } from '../../parts/badge.tsx';
import { Result } from '../../parts/result.tsx';
import { Table } from '../../parts/table.tsx';
import { Transaction } from '../../parts/transaction.tsx';

type Difference = ItemOf<'differences.list'>;

/** Each kind of difference, and what to do about it (docs/management.md §5). */
const KINDS: Readonly<Record<Difference['kind'], { readonly is: string; readonly do: string }>> = {
  unrecorded: {
    is: 'The chain moved the money, but the ledger has not settled the payment.',
    do: 'Nothing: the account checks the chain again in each run.',
  },
  missing: {
    is: 'The ledger settled the payment, but the chain has not moved the money.',
    do: 'Check the transaction in the explorer, and compare your RPC endpoint with another one.',
  },
  amount: {
    is: 'Chain and ledger have different amounts.',
    do: 'Check the transaction in the explorer. Refund or write off the difference.',
  },
  moved: {
    is: 'A reorganisation of the chain moved the payment to another transaction or block.',
    do: 'Nothing: the full amount arrived.',
  },
  unsolicited: {
    is: 'Money arrived that paid for nothing here.',
    do: 'Nothing, or send it back from your wallet.',
  },
};

/** Whether the last comparison of ledger and chain found differences, and what to do about each. */
export const Differences = () => {
  const query = useQuery('differences', async (management, signal) => {
    const [differences, runs] = await Promise.all([
      firstRows(management, 'differences.list', {}, PAGE_ROWS, signal),
      firstRows(management, 'reconciliations.list', { query: { limit: 1 } }, 1, signal),
    ]);
    return { ...differences, run: runs.items[0] };
  });
  const now = gatewayNow();
  return (
    <Result query={query} rows={1}>
      {({ items, run }) => (
        <>
          <p class="muted">
            {run === undefined
              ? 'The gateway compares ledger and chain every 15 minutes. It has not done so yet.'
              : `${items.length === 0 ? 'Ledger and chain agree. ' : ''}Last compared ${agoOf(run.at, now)} ago, up to block ${run.to_block}.`}
          </p>
          {items.length === 0 ? null : (
            <Table<Difference>
              caption="Payments on which ledger and chain differ"
              rows={items}
              keyOf={({ kind, account, call, block, log }) =>
                [kind, account, call, block, log].join(' ')
              }
              columns={[
                {
                  head: 'Since',
                  cell: ({ first_at: at }) => (
                    <time title={exactMomentOf(at)}>{agoOf(at, now)}</time>
                  ),
                },
                { head: 'What differs', cell: ({ kind }) => KINDS[kind].is },
                { head: 'What to do', cell: ({ kind }) => KINDS[kind].do },
                {
                  head: 'Payer or call',
                  drop: 2,
                  cell: ({ account, call }) =>
                    call === undefined ? (
                      <AccountLink account={account} />
                    ) : (
                      <Link href={`/calls/${account}/${call}`}>Open the call</Link>
                    ),
                },
                { head: 'Ledger', drop: 2, cell: ({ ledger }) => <Badge state={ledger.state} /> },
                {
                  head: 'Transaction',
                  drop: 1,
                  cell: ({ network, transaction }) => (
                    <Transaction network={network} hash={transaction} />
                  ),
                },
              ]}
            />
          )}
        </>
      )}
    </Result>
  );
};
