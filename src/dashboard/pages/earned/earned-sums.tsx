import type { Seconds } from '../../../core/clock.ts';
import {
  type EarnedDay,
  type EarnedRows,
  isWhole,
  sumOfDays,
  sumOfEarned,
  sumsByKind,
} from '../../data/money/earned.ts';
import { areEqual, type Sums } from '../../data/money/sums.ts';
import { momentOf } from '../../format/time.ts';
import { Section } from '../../parts/page.tsx';
import { Amounts } from '../../parts/amount.tsx';
import { Table } from '../../parts/table.tsx';
import '../../parts/sum.css';

type Kind = { readonly name: string; readonly count: number; readonly sums: Sums };

const kindsOf = (rows: EarnedRows): readonly Kind[] => {
  const sums = sumsByKind(rows);
  return [
    { name: 'Settled payments', count: rows.payments.items.length, sums: sums.payments },
    { name: 'Calls paid with credit', count: rows.calls.items.length, sums: sums.calls },
    { name: 'Refunds and decisions', count: rows.changes.items.length, sums: sums.changes },
  ];
};

/** The sum of each kind of row, and whether they add up to the total of the ledger. */
export const EarnedSums = ({
  days,
  rows,
  at,
}: {
  readonly days: readonly EarnedDay[];
  readonly rows: EarnedRows | undefined;
  /** When total and rows were read. */
  readonly at: Seconds | undefined;
}) => {
  const total = sumOfDays(days);
  const isListed = rows !== undefined && isWhole(rows);
  return (
    <>
      <p class="sum" role="status">
        Earned: <Amounts sums={total} />
        {at === undefined ? '' : `, read from the ledger at ${momentOf(at)}`}.{' '}
        {rows === undefined ? '' : agreement(total, rows)}
      </p>
      {isListed ? (
        <Section title="By kind">
          <Table<Kind>
            caption="Earned by kind"
            keyOf={({ name }) => name}
            rows={kindsOf(rows)}
            columns={[
              { head: 'What', cell: ({ name }) => name },
              { head: 'Rows', isNumber: true, drop: 1, cell: ({ count }) => count },
              { head: 'Earned', isNumber: true, cell: ({ sums }) => <Amounts sums={sums} /> },
            ]}
          />
        </Section>
      ) : null}
    </>
  );
};

const agreement = (total: Sums, rows: EarnedRows): string => {
  if (!isWhole(rows))
    return 'There are more rows than this page reads: choose fewer days to see all of them.';
  return areEqual(sumOfEarned(rows), total)
    ? 'The rows below add up to this number.'
    : 'Payments or calls ended while the rows below were read: the next reading adds up again.';
};
