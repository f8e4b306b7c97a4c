import { useState } from 'preact/hooks';
import { PAGE_ROWS } from '../../data/reading/list.ts';
import type { Payment } from '../../data/money/waiting-payments.ts';
import { Empty } from '../../parts/empty.tsx';
import { MoreRows } from '../../parts/more-rows.tsx';
import { PaymentTable } from './payment-table.tsx';

/** Payments that are already loaded, some at a time. */
export const PaymentRows = ({
  name,
  rows,
}: {
  readonly name: string;
  readonly rows: readonly Payment[];
}) => {
  const [most, setMost] = useState(PAGE_ROWS);
  if (rows.length === 0) {
    return (
      <Empty title={`No payments are ${name}.`}>
        <p>Choose another number above.</p>
      </Empty>
    );
  }
  return (
    <>
      <PaymentTable caption={`Payments that are ${name}`} rows={rows.slice(0, most)} />
      <MoreRows isMore={rows.length > most} rows={most} onMore={setMost} />
    </>
  );
};
