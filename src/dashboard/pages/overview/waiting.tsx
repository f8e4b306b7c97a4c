import { Link } from 'wouter-preact';
import { listAddress } from '../../data/navigation/filters.ts';
import type { Figures } from '../../data/overview/figures.ts';
import { STAGES } from '../../data/money/waiting-payments.ts';
import { gatewayNow } from '../../data/gateway/gateway-clock.ts';
import { countOf, decimalsFor } from '../../format/amount.ts';
import { agoOf } from '../../format/time.ts';
import { Amount } from '../../parts/amount.tsx';
import { Table } from '../../parts/table.tsx';

type WaitingRow = NonNullable<Figures['open']>[number] & { readonly stage: 'open' | 'kept' };

/** Open payments, and amounts that an operator must resolve, with the age of the oldest. */
export const Waiting = ({ figures }: { readonly figures: Figures }) => {
  const rows: readonly WaitingRow[] = [
    ...(figures.open ?? []).map((row) => ({ ...row, stage: 'open' as const })),
    ...(figures.kept ?? []).map((row) => ({ ...row, stage: 'kept' as const })),
  ];
  if (rows.length === 0) return <p class="muted">No payments are waiting.</p>;
  const now = gatewayNow();
  const decimals = decimalsFor(rows.map(({ amount }) => BigInt(amount)));
  return (
    <Table<WaitingRow>
      caption="Payments that are not settled"
      keyOf={({ stage, asset }) => `${stage} ${asset ?? ''}`}
      rows={rows}
      columns={[
        {
          head: 'Payments',
          cell: ({ stage }) => (
            <Link href={listAddress('/settlements', { stage })}>{STAGES[stage].name}</Link>
          ),
        },
        { head: 'Count', isNumber: true, cell: ({ count }) => countOf(count) },
        { head: 'Oldest', isNumber: true, cell: ({ oldest_at: at }) => agoOf(at, now) },
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
