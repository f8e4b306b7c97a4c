import { Link } from 'wouter-preact';
import { type Payment, type PaymentFilter, readPayments } from '../data/payments.ts';
import { useQuery } from '../data/query.ts';
import { gatewayNow } from '../data/reader.ts';
import { decimalsFor } from '../format/amount.ts';
import { shown, worded } from '../format/text.ts';
import { agoOf, momentOf } from '../format/time.ts';
import { AccountLink } from '../parts/account-link.tsx';
import { Amount } from '../parts/amount.tsx';
import { Badge } from '../parts/badge.tsx';
import { Empty } from '../parts/empty.tsx';
import { MoreRows } from '../parts/more-rows.tsx';
import { Result } from '../parts/result.tsx';
import { type Column, Table } from '../parts/table.tsx';
import { networkOf, Transaction } from '../parts/transaction.tsx';

/** Why a payment has not settled yet, or why it never will. */
const whyOf = ({ last_error: error, attempts, fault, reason }: Payment): string => {
  const tried = attempts === undefined ? '' : ` after ${attempts} attempts`;
  if (error !== undefined) return `${shown(worded(error))}${tried}`;
  const blamed = fault === undefined ? undefined : `fault of the ${fault}`;
  const parts = [blamed, reason === undefined ? undefined : shown(worded(reason))];
  return parts.filter((part) => part !== undefined).join(', ') || '–';
};

/** The payments of one state, newest first. Each leads to its call, where an operator acts on it. */
export const PaymentList = ({
  filter,
  rows,
  onRows,
}: {
  readonly filter: PaymentFilter;
  readonly rows: number;
  readonly onRows: (rows: number) => void;
}) => {
  const { state, ages } = filter;
  const query = useQuery(
    `settlements ${state} ${ages?.join(' ') ?? ''} ${rows}`,
    (management, signal) => readPayments(management, filter, rows, signal),
  );
  const now = gatewayNow();
  return (
    <Result query={query} rows={10}>
      {({ items, isMore }) =>
        items.length === 0 ? (
          <Empty title={`No payments are ${state}.`}>
            <p>
              {state === 'open' && ages === undefined
                ? 'No accepted payment is waiting for settlement.'
                : 'Choose another state above.'}
            </p>
          </Empty>
        ) : (
          <>
            <Table<Payment>
              caption={`Payments that are ${state}`}
              rows={items}
              keyOf={({ account, call }) => `${account} ${call}`}
              columns={columnsOf(state, items, now)}
            />
            <MoreRows isMore={isMore} rows={rows} onMore={onRows} />
          </>
        )
      }
    </Result>
  );
};

const columnsOf = (
  state: PaymentFilter['state'],
  items: readonly Payment[],
  now: number,
): readonly Column<Payment>[] => {
  const decimals = decimalsFor(items.map(({ amount }) => BigInt(amount)));
  return [
    {
      head: state === 'open' ? 'Open for' : 'When',
      cell: ({ at }) => <time title={momentOf(at)}>{agoOf(at, now)}</time>,
    },
    {
      head: 'Call',
      cell: ({ account, call, tool }) => (
        <Link href={`/calls/${account}/${call}`}>{shown(tool ?? 'unknown')}</Link>
      ),
    },
    { head: 'Agent', drop: 1, cell: ({ account }) => <AccountLink account={account} /> },
    { head: 'State', drop: 2, cell: (payment) => <Badge state={payment.state} /> },
    state === 'settled'
      ? {
          head: 'Transaction',
          drop: 1,
          cell: ({ account, transaction }) => (
            <Transaction network={networkOf(account)} hash={transaction} />
          ),
        }
      : { head: 'Reason', drop: 1, cell: whyOf },
    {
      head: 'Amount',
      isNumber: true,
      cell: ({ amount, asset }) => (
        <Amount atomic={amount} asset={asset ?? ''} decimals={decimals} />
      ),
    },
  ];
};
