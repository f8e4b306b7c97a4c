import { decimalOf, symbolOf } from '../format/amount.ts';

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
