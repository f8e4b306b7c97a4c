import type { Sums } from '../data/sums.ts';
import { Amount } from './amount.tsx';

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
