import { Link } from 'wouter-preact';
import type { Sums } from '../../data/money/sums.ts';
import { countOf } from '../../format/amount.ts';
import { Amount } from '../../parts/amount.tsx';
import './counts.css';

/** A link to some payments: how many there are, and how much of each asset. */
export const Count = ({
  name,
  count,
  sums,
  href,
  isChosen,
  tone,
}: {
  readonly name: string;
  readonly count: number;
  readonly sums: Sums;
  readonly href: string;
  readonly isChosen: boolean;
  /** The urgency of the payments. */
  readonly tone?: 'warn' | 'bad' | undefined;
}) => (
  <Link
    href={href}
    class={count === 0 ? 'none' : (tone ?? '')}
    aria-current={isChosen ? 'true' : undefined}
  >
    <span class="count">{countOf(count)}</span> <span class="name">{name}</span>{' '}
    <span class="sums">
      {[...sums].map(([asset, amount]) => (
        <Amount key={asset} atomic={amount} asset={asset} />
      ))}
    </span>
  </Link>
);
