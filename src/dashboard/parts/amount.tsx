import { decimalOf, symbolOf } from '../format/amount.ts';
import type { Sums } from '../data/money/sums.ts';

/** An amount with its unit behind it, nothing as `0`; the exact atomic units are its title. */
export const Amount = ({
  atomic,
  asset,
  decimals,
}: {
  readonly atomic: string | bigint;
  readonly asset: string;
  readonly decimals?: number;
}) => (
  <span class="amount" title={`${atomic} atomic units`}>
    {BigInt(atomic) === 0n ? '0' : decimalOf(BigInt(atomic), decimals)}
    <span class="unit"> {symbolOf(asset)}</span>
  </span>
);

/** Sums of several assets, which are never added to each other. */
export const Amounts = ({ sums }: { readonly sums: Sums }) =>
  sums.size === 0 ? (
    <strong>0</strong>
  ) : (
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
