import { Amount } from './amount.tsx';
import './sum-line.css';

const Sums = ({ sums }: { readonly sums: ReadonlyMap<string, bigint> }) => (
  <>
    {[...sums].map(([asset, sum], at) => (
      <span key={asset}>
        {at === 0 ? '' : ' and '}
        <strong>
          <Amount atomic={sum} asset={asset} />
        </strong>
      </span>
    ))}
  </>
);

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
    {what}: {sums.size === 0 ? '0' : <Sums sums={sums} />} charged
    {more === undefined ? null : (
      <>
        , <Sums sums={more} /> earned
      </>
    )}
    {isWhole ? '.' : ' in these rows; further rows are not shown.'}
  </p>
);
