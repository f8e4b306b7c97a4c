import type { Sums } from '../../data/money/sums.ts';
import { Amounts } from '../../parts/amount.tsx';
import '../../parts/sum.css';

/** The sum of the rows below. `isWhole`: no row is missing. */
export const SumLine = ({
  what,
  sums,
  earned,
  isWhole,
}: {
  readonly what: string;
  /** The charges of the rows. */
  readonly sums: Sums;
  /** The earnings of the rows; undefined if they have none. */
  readonly earned: Sums | undefined;
  readonly isWhole: boolean;
}) => (
  <p class="sum" role="status">
    {what}: <Amounts sums={sums} /> charged
    {earned === undefined ? null : (
      <>
        , <Amounts sums={earned} /> earned
      </>
    )}
    {isWhole ? '.' : ' in these rows; further rows are not shown.'}
  </p>
);
