import type { Payment } from '../../data/money/waiting-payments.ts';
import { gatewayNow } from '../../data/gateway/gateway-clock.ts';
import { decimalsFor } from '../../format/amount.ts';
import { attemptError } from '../../format/attempt-error.ts';
import { networkIn, shown, worded } from '../../format/text.ts';
import { agoOf, exactMomentOf } from '../../format/time.ts';
import { Amount } from '../../parts/amount.tsx';
import { AGENT, CALL } from '../../parts/call-columns.tsx';
import { Badge } from '../../parts/badge.tsx';
import { type Column, Table } from '../../parts/table.tsx';
import { Transaction } from '../../parts/transaction.tsx';

/** Why a payment has not settled yet, or why it never will. */
const whyOf = ({ last_error: error, attempts, fault, reason }: Payment): string => {
  const tried = attempts === undefined ? '' : ` after ${attempts} attempts`;
  if (error !== undefined) return `${attemptError(error)}${tried}`;
  const blamed = fault === 'payer' || fault === 'gateway' ? `fault of the ${fault}` : undefined;
  const parts = [blamed, reason === undefined ? undefined : shown(worded(reason))];
  return parts.filter((part) => part !== undefined).join(', ') || '–';
};

const TRANSACTION: Column<Payment> = {
  head: 'Transaction',
  drop: 1,
  cell: ({ account, transaction }) => (
    <Transaction network={networkIn(account)} hash={transaction} />
  ),
};

/** Payments. Each links to its call, where an operator can act on it. */
export const PaymentTable = ({
  caption,
  rows,
}: {
  readonly caption: string;
  readonly rows: readonly Payment[];
}) => {
  const now = gatewayNow();
  const decimals = decimalsFor(rows.map(({ amount }) => BigInt(amount)));
  const areSettled = rows.every(({ transaction }) => transaction !== undefined);
  return (
    <Table<Payment>
      caption={caption}
      rows={rows}
      keyOf={({ account, call }) => `${account} ${call}`}
      columns={[
        {
          head: rows.every(({ state }) => state === 'open') ? 'Open for' : 'When',
          cell: ({ at }) => <time title={exactMomentOf(at)}>{agoOf(at, now)}</time>,
        },
        CALL,
        { ...AGENT, drop: 1 },
        { head: 'State', drop: 2, cell: ({ state }) => <Badge state={state} /> },
        areSettled ? TRANSACTION : { head: 'Reason', drop: 1, cell: whyOf },
        {
          head: 'Amount',
          isNumber: true,
          cell: ({ amount, asset }) => (
            <Amount atomic={amount} asset={asset ?? ''} decimals={decimals} />
          ),
        },
      ]}
    />
  );
};
