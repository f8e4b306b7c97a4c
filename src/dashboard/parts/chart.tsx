import { useEffect, useRef } from 'preact/hooks';
import { decimalOf, symbolOf } from '../format/amount.ts';
import { shown } from '../format/text.ts';
import type { DaySeries } from '../format/stacks.ts';
import { Table } from './table.tsx';
import './chart.css';

/** The canvas cannot read `light-dark()`: the browser resolves it on an element. */
const colourOf = (element: HTMLElement, token: string): string => {
  const probe = document.createElement('span');
  probe.style.color = `var(${token})`;
  element.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
};

const HEIGHT = 200;
const UNIT = 1_000_000;

/** Each series drawn from zero to the top of its part of the stack, the topmost first, so that lower ones cover it. */
const topsOf = (series: readonly DaySeries[], days: number): readonly (readonly number[])[] =>
  series.map((_, at) =>
    Array.from({ length: days }, (__, day) =>
      Number(series.slice(0, at + 1).reduce((sum, { amounts }) => sum + (amounts[day] ?? 0n), 0n)),
    ),
  );

/** Draws the chart; its code is loaded when the first one is shown. @returns what removes it */
const draw = async (
  element: HTMLElement,
  days: readonly string[],
  series: readonly DaySeries[],
): Promise<() => void> => {
  const [{ default: Plot }] = await Promise.all([
    import('uplot'),
    import('uplot/dist/uPlot.min.css'),
  ]);
  const bars = Plot.paths.bars?.({ size: [0.8, 48] });
  const [muted, line] = [colourOf(element, '--muted'), colourOf(element, '--line')];
  const tops = topsOf(series, days.length).map((each) => each.map((top) => top / UNIT));
  const axis = { stroke: muted, grid: { stroke: line, width: 1 }, ticks: { show: false } };
  const plot = new Plot(
    {
      width: element.clientWidth,
      height: HEIGHT,
      legend: { show: false },
      cursor: { show: false },
      scales: {
        x: { time: false, range: () => [-0.5, days.length - 0.5] },
        y: { range: (_, __, most) => [0, most > 0 ? most : 1] },
      },
      axes: [
        {
          ...axis,
          grid: { show: false },
          size: 28,
          values: (_, at) => at.map((day) => (days[day] ?? '').slice(5)),
        },
        { ...axis, size: 72, values: (_, at) => at.map((top) => String(Number(top.toFixed(6)))) },
      ],
      series: [
        {},
        ...tops
          .map((_, at) => ({
            fill: colourOf(element, `--series-${at + 1}`),
            width: 0,
            points: { show: false },
            ...(bars === undefined ? {} : { paths: bars }),
          }))
          .toReversed(),
      ],
    },
    [days.map((_, at) => at), ...tops.toReversed().map((each) => [...each])],
    element,
  );
  const observer = new ResizeObserver(() =>
    plot.setSize({ width: element.clientWidth, height: HEIGHT }),
  );
  observer.observe(element);
  return () => {
    observer.disconnect();
    plot.destroy();
  };
};

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
      const drawn = await draw(canvas.current, days, series);
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
          <summary>As table</summary>
          <Table<number>
            caption={caption}
            rows={days.map((_, day) => day).toReversed()}
            keyOf={(day) => days[day] ?? ''}
            columns={[
              { head: 'Day (UTC)', cell: (day) => days[day] },
              {
                head: `All (${symbol})`,
                isNumber: true,
                cell: (day) => decimalOf(totals[day] ?? 0n),
              },
              ...(series.length === 1 ? [] : series).map(({ name, amounts }) => ({
                ...{ head: shown(name), isNumber: true, drop: 2 as const },
                cell: (day: number) => decimalOf(amounts[day] ?? 0n),
              })),
            ]}
          />
        </details>
      </figcaption>
    </figure>
  );
};
