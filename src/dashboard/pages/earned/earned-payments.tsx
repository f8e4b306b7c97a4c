import { earnedBy, type EarnedPayment } from '../../data/money/earned.ts';
import { decimalsFor } from '../../format/amount.ts';
import { networkIn } from '../../format/text.ts';
import { Moment } from '../../parts/moment.tsx';
import { Amount } from '../../parts/amount.tsx';
import { AGENT, CALL } from '../../parts/call-columns.tsx';
import { Table } from '../../parts/table.tsx';
import { Transaction } from '../../parts/transaction.tsx';

/** Settled payments, with the earnings of each. */
export const EarnedPayments = ({ rows }: { readonly rows: readonly EarnedPayment[] }) => {
  const decimals = decimalsFor(
    rows.flatMap(({ amount, credited = '0' }) => [BigInt(amount), BigInt(credited)]),
  );
  return (
    <Table<EarnedPayment>
      caption="Settled payments"
      keyOf={({ account, call }) => `${account} ${call}`}
      rows={rows}
      columns={[
        { head: 'Settled', cell: ({ at }) => <Moment at={at} /> },
        CALL,
        { ...AGENT, drop: 2 },
        {
          head: 'Transaction',
          drop: 2,
          cell: ({ account, transaction }) => (
            <Transaction network={networkIn(account)} hash={transaction} />
          ),
        },
        {
          head: 'Amount',
          isNumber: true,
          drop: 1,
          cell: ({ amount, asset = '' }) => (
            <Amount atomic={amount} asset={asset} decimals={decimals} />
          ),
        },
        {
          head: 'Became credit',
          isNumber: true,
          drop: 1,
          cell: ({ credited = '0', asset = '' }) => (
            <Amount atomic={credited} asset={asset} decimals={decimals} />
          ),
        },
        {
          head: 'Earned',
          isNumber: true,
          cell: (payment) => (
            <Amount atomic={earnedBy(payment)} asset={payment.asset ?? ''} decimals={decimals} />
          ),
        },
      ]}
    />
  );
};
