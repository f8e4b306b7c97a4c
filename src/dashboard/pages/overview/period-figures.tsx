import { Link } from 'wouter-preact';
import { listAddress } from '../../data/navigation/filters.ts';
import { type Figures } from '../../data/overview/figures.ts';
import { type PeriodTotal, totalsOf } from '../../data/overview/period-totals.ts';
import { counted, percentOf } from '../../format/amount.ts';
import { Amount } from '../../parts/amount.tsx';

const TITLES = { 1: 'Today', 7: 'Last 7 days', 30: 'Last 30 days' } as const;

type ChangeProps = {
  readonly total: PeriodTotal;
  readonly now: bigint;
  readonly before: bigint;
};

/**
 * The change against the days before, in whole percent, and only if they had an amount. Today is not over, so a percentage would compare a
 * part of a day with a whole day; show yesterday's amount instead.
 */
const Change = ({ total: { period, asset }, now, before }: ChangeProps) => {
  if (period === 1) {
    return (
      <>
        yesterday <Amount atomic={before} asset={asset} />
      </>
    );
  }
  const days = `the ${period} days before`;
  if (now === before) return <>the same as in {days}</>;
  if (before <= 0n) return <>nothing in {days}</>;
  return now > before ? (
    <>
      {percentOf(now - before, before)} more than in {days}
    </>
  ) : (
    <>
      {percentOf(before - now, before)} less than in {days}
    </>
  );
};

type Shown = 'charged' | 'earned';

const amountsOf = (total: PeriodTotal, of: Shown): readonly [now: bigint, before: bigint] =>
  of === 'charged'
    ? [total.charged, total.chargedBefore]
    : [total.earned ?? 0n, total.earnedBefore];

const addressOf = ({ from, to, asset }: PeriodTotal, of: Shown): string =>
  of === 'charged'
    ? listAddress('/spending', { by: 'day', from, to })
    : listAddress('/earned', { from, to, asset });

/** Today, seven and thirty days, each next to the period before. A click opens the rows that add up to it. */
export const PeriodFigures = ({
  figures,
  of,
}: {
  readonly figures: Figures;
  readonly of: Shown;
}) => {
  const all = totalsOf(figures);
  // Calls paid by a card earn nothing here.
  const totals = of === 'charged' ? all : all.filter(({ asset }) => !asset.startsWith('iso4217'));
  if (totals.length === 0) return <p class="muted">Nothing in the last 60 days.</p>;
  return (
    <ul class="figures">
      {totals.map((total) => {
        const [now, before] = amountsOf(total, of);
        const { period, asset, calls } = total;
        return (
          <li key={`${period} ${asset}`}>
            <p class="name">{TITLES[period]}</p>
            <p class="value">
              <Link href={addressOf(total, of)}>
                <Amount atomic={now} asset={asset} />
              </Link>
            </p>
            <p class="muted">
              {of === 'charged' ? `${counted(calls, 'call')}, ` : ''}
              <Change total={total} now={now} before={before} />
            </p>
          </li>
        );
      })}
    </ul>
  );
};
