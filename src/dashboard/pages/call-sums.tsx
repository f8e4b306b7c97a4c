import { Link } from 'wouter-preact';
import {
  type CallRows,
  type ChangeRow,
  isEqual,
  sumOfRows,
  sumOfTotal,
} from '../data/call-rows.ts';
import { shown } from '../format/text.ts';
import { momentOf } from '../format/time.ts';
import { AccountLink } from '../parts/account-link.tsx';
import { Amount } from '../parts/amount.tsx';
import { Sums } from '../parts/sums.tsx';
import { Table } from '../parts/table.tsx';

/** What the rows add up to, next to the total of the ledger for the same filter. Nothing for a list without days. */
export const CallSums = ({
  read,
  isFiltered,
}: {
  readonly read: CallRows;
  /** By outcome, which the ledger does not add up by. */
  readonly isFiltered: boolean;
}) => {
  const { calls, changes, total } = read;
  if (total === undefined) return null;
  const count = calls.items.length;
  const rows = `${count} ${count === 1 ? 'call' : 'calls'}${changes?.items.length ? ` and ${changes.items.length} later changes` : ''}`;
  const sums = sumOfRows(read);
  if (isFiltered) {
    return (
      <p class="sum" role="status">
        {calls.isMore ? 'The first ' : ''}
        {rows}: <Sums sums={sums} /> charged.
      </p>
    );
  }
  const whole = sumOfTotal(total);
  const all = total.reduce((sum, row) => sum + row.calls, 0);
  if (calls.isMore || changes?.isMore === true) {
    return (
      <p class="sum" role="status">
        Shown: {count} of {all} calls. All of them together: <Sums sums={whole} /> charged.
      </p>
    );
  }
  return (
    <p class="sum" role="status">
      {rows}: <Sums sums={sums} /> charged
      {isEqual(sums, whole) ? (
        ', equal to the total of the ledger.'
      ) : (
        <>
          ; the total, read a moment later, is <Sums sums={whole} />.
        </>
      )}
    </p>
  );
};

/** Decisions of operators that changed the charge of an ended call. */
export const ChargeChanges = ({ rows }: { readonly rows: readonly ChangeRow[] }) => (
  <Table<ChangeRow>
    caption="Later changes to charges"
    keyOf={({ account, seq }) => `${account} ${seq}`}
    rows={rows}
    columns={[
      { head: 'When', cell: ({ at }) => <time>{momentOf(at)}</time> },
      { head: 'Agent', cell: ({ account }) => <AccountLink account={account} /> },
      {
        head: 'Call',
        cell: ({ account, call, tool }) => (
          <Link href={`/calls/${account}/${call}`}>{shown(tool ?? 'unknown')}</Link>
        ),
      },
      { head: 'Decision', drop: 1, cell: ({ kind }) => kind },
      {
        head: 'Change of the charge',
        isNumber: true,
        cell: ({ amount, asset }) => <Amount atomic={amount} asset={asset ?? ''} />,
      },
    ]}
  />
);
