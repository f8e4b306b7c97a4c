import { useEffect, useRef } from 'preact/hooks';
import { decimalOf, decimalsFor, symbolOf } from '../format/amount.ts';
import { shown } from '../format/text.ts';
import type { DaySeries } from '../format/stacks.ts';
import { drawChart } from './draw-chart.ts';
import { Table } from './table.tsx';
import './chart.css';

const amountText = (amount: bigint, decimals: number): string =>
  amount === 0n ? '0' : decimalOf(amount, decimals);

/** Amounts a UTC day as stacked bars, with their names, and the same numbers as a table behind them. */
export const Chart = ({
  caption,
  days,
  series,
  asset,
}: {
  readonly caption: string;
  readonly days: readonly string[];
  readonly series: readonly DaySeries[];
  readonly asset: string;
}) => {
  const canvas = useRef<HTMLDivElement>(null);
  const content = JSON.stringify([
    days,
    series.map(({ name, amounts }) => [name, amounts.map(String)]),
  ]);
  useEffect(() => {
    let remove: (() => void) | undefined;
    let isGone = false;
    const start = async (): Promise<void> => {
      if (canvas.current === null) return;
      const drawn = await drawChart(canvas.current, days, series);
      if (isGone) drawn();
      else remove = drawn;
    };
    // Without its chart the page still has the table.
    void start().catch(() => undefined);
    return () => {
      isGone = true;
      remove?.();
    };
  }, [content]);
  const totals = days.map((_, day) =>
    series.reduce((sum, { amounts }) => sum + (amounts[day] ?? 0n), 0n),
  );
  const symbol = symbolOf(asset);
  const decimals = decimalsFor([...totals, ...series.flatMap(({ amounts }) => amounts)]);
  return (
    <figure class="chart">
      <div class="canvas" ref={canvas} aria-hidden="true" />
      <figcaption>
        <ul class="names">
          {(series.length === 1 ? [] : series).map(({ name }, at) => (
            <li key={name}>
              <span class={`swatch series-${at + 1}`} aria-hidden="true" /> {shown(name)}
            </li>
          ))}
        </ul>
        <p>{caption}</p>
        <details>
          <summary>Show as table</summary>
          <Table<number>
            caption={caption}
            rows={days.map((_, day) => day).toReversed()}
            keyOf={(day) => days[day] ?? ''}
            columns={[
              { head: 'Day (UTC)', cell: (day) => days[day] },
              {
                head: `All (${symbol})`,
                isNumber: true,
                cell: (day) => amountText(totals[day] ?? 0n, decimals),
              },
              ...(series.length === 1 ? [] : series).map(({ name, amounts }) => ({
                ...{ head: shown(name), isNumber: true, drop: 2 as const },
                cell: (day: number) => amountText(amounts[day] ?? 0n, decimals),
              })),
            ]}
          />
        </details>
      </figcaption>
    </figure>
  );
};
