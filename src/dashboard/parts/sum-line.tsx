import { Sums } from './sums.tsx';
import './sum-line.css';

/** What the rows below add up to. `isWhole`: no row is missing. */
export const SumLine = ({
  what,
  sums,
  more,
  isWhole,
}: {
  readonly what: string;
  readonly sums: ReadonlyMap<string, bigint>;
  /** What they earned. */
  readonly more?: ReadonlyMap<string, bigint> | undefined;
  readonly isWhole: boolean;
}) => (
  <p class="sum" role="status">
    {what}: <Sums sums={sums} /> charged
    {more === undefined ? null : (
      <>
        , <Sums sums={more} /> earned
      </>
    )}
    {isWhole ? '.' : ' in these rows; further rows are not shown.'}
  </p>
);
