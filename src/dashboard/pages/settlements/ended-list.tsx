import {
  type EndedLine,
  type LineTotal,
  MOST_ENDED,
  readEndedPayments,
} from '../../data/money/ended-payments.ts';
import type { Rows } from '../../data/reading/list.ts';
import { type Payment, sumOfPayments } from '../../data/money/waiting-payments.ts';
import { useQuery } from '../../data/reading/query.ts';
import { areEqual } from '../../data/money/sums.ts';
import { counted } from '../../format/amount.ts';
import type { Period } from '../../format/period.ts';
import { Result } from '../../parts/result.tsx';
import { Amounts } from '../../parts/amount.tsx';
import '../../parts/sum.css';
import { LINE_NAMES } from './ended-counts.tsx';
import { PaymentRows } from './payment-rows.tsx';

/** The payments that a line of the ledger totals counts in a period, and whether they add up to it. */
export const EndedList = ({
  line,
  period: { from, to },
  total,
  seconds,
}: {
  readonly line: EndedLine;
  readonly period: Period;
  /** The ledger's total; undefined until it is read. */
  readonly total: LineTotal | undefined;
  /** How often the totals are read. */
  readonly seconds: number;
}) => {
  const query = useQuery(
    `ended ${line} ${from} ${to}`,
    (management, signal) => readEndedPayments(management, { line, from, to }, signal),
    seconds,
  );
  return (
    <Result query={query} rows={10}>
      {(read) => (
        <>
          {total === undefined ? null : <Agreement total={total} read={read} />}
          <PaymentRows name={LINE_NAMES[line]} rows={read.items} />
        </>
      )}
    </Result>
  );
};

const Agreement = ({
  total,
  read,
}: {
  readonly total: LineTotal;
  readonly read: Rows<Payment>;
}) => {
  const count = read.items.length;
  if (read.isMore) {
    return (
      <p class="sum" role="status">
        {count} of {total.count} payments: this page reads the newest {MOST_ENDED} of a state.
        Choose fewer days to see all of them.
      </p>
    );
  }
  const sums = sumOfPayments(read.items);
  const isEqual = count === total.count && areEqual(sums, total.sums);
  return (
    <p class="sum" role="status">
      {counted(count, 'payment')}: <Amounts sums={sums} />
      {isEqual ? (
        ', equal to the total of the ledger.'
      ) : (
        <>
          ; the total, read at another moment, is <Amounts sums={total.sums} /> for {total.count}.
        </>
      )}
    </p>
  );
};
