import type { SpendRow } from '../../data/money/spending.ts';
import { symbolOf } from '../../format/amount.ts';
import { stacksOf } from '../../format/stacks.ts';
import { Chart } from '../../parts/chart.tsx';

/** Charges a day, one chart for each asset: amounts of two assets are never added. `rows`: one of each day, the newest first. */
export const SpendChart = ({
  rows,
  today,
}: {
  readonly rows: readonly SpendRow[];
  /** A UTC day. */
  readonly today: string;
}) => (
  <>
    {[...Map.groupBy(rows, ({ asset = '' }) => asset)].map(([asset, own]) => {
      const days = own.map(({ key }) => key).toReversed();
      const amounts = own.map(({ key, charged }) => ({
        ...{ day: key, name: 'charged', amount: BigInt(charged) },
      }));
      return (
        <Chart
          key={asset}
          caption={`${symbolOf(asset)} charged per day (UTC)${days.at(-1) === today ? '. Today is not over.' : ''}`}
          days={days}
          series={stacksOf(amounts, days)}
          asset={asset}
        />
      );
    })}
  </>
);
