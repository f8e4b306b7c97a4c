import {
  type CallFilters,
  type CallRows,
  sumOfCalls,
  sumOfChanges,
  sumOfCallRows,
  sumOfTotal,
} from '../../data/calls/call-rows.ts';
import { areEqual } from '../../data/money/sums.ts';
import { counted } from '../../format/amount.ts';
import { TOP_UP } from '../../format/text.ts';
import { Amounts } from '../../parts/amount.tsx';

const topUpsText = (topUps: number, calls: number): string => {
  if (topUps === 0) return '';
  const words = topUps === 1 ? 'a top-up' : 'top-ups';
  return topUps === calls ? `, ${words}` : `, ${topUps} of them ${words}`;
};

/** The sum of the rows, next to the ledger's total for the same filter. Empty for a list without days. */
export const CallSums = ({
  read,
  state,
}: {
  readonly read: CallRows;
  readonly state: CallFilters['state'];
}) => {
  const { calls, changes, total } = read;
  if (total === undefined) return null;
  const count = calls.items.length;
  const sums = sumOfCallRows(read);
  if (state !== undefined) {
    // Failed calls are the only outcome that the ledger counts separately.
    const failed = state === 'failed' ? total.reduce((sum, row) => sum + row.failed, 0) : undefined;
    return (
      <p class="sum" role="status">
        {calls.isMore ? 'The newest ' : ''}
        {counted(count, 'call')}
        {failed === undefined || count === failed ? '' : ` of ${failed}`}: <Amounts sums={sums} />{' '}
        charged{count === failed ? ', as many as the total of the ledger.' : '.'}
      </p>
    );
  }
  const whole = sumOfTotal(total);
  const all = total.reduce((sum, row) => sum + row.calls, 0);
  if (calls.isMore || changes?.isMore === true) {
    return (
      <p class="sum" role="status">
        Shown: {count} of {counted(all, 'call')}. All of them together: <Amounts sums={whole} />{' '}
        charged.
      </p>
    );
  }
  const later = changes?.items.length ?? 0;
  const topUps = calls.items.filter(({ tool }) => tool === TOP_UP).length;
  return (
    <p class="sum" role="status">
      {counted(count, 'call')}
      {topUpsText(topUps, count)}:{' '}
      {later === 0 ? null : (
        <>
          <Amounts sums={sumOfCalls(read)} />, and {counted(later, 'later change')}:{' '}
          <Amounts sums={sumOfChanges(read)} />. Together{' '}
        </>
      )}
      <Amounts sums={sums} /> charged
      {areEqual(sums, whole) && count === all ? (
        ', equal to the total of the ledger.'
      ) : (
        <>
          ; the total, read a moment later, is {counted(all, 'call')} and <Amounts sums={whole} />.
        </>
      )}
    </p>
  );
};
