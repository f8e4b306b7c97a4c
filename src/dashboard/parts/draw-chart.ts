import type { DaySeries } from '../format/stacks.ts';
import { dayText } from '../format/time.ts';

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
/** The highest bar stays below the top of the chart. */
const HEADROOM = 1.1;
/** Widths in pixels: of a day below the chart, and of the amounts beside it. */
const DAY_LABEL = 64;
const CHARACTER = 8;
const AXIS_PADDING = 16;
const UNIT = 1_000_000;

/** Each series drawn from zero to the top of its part of the stack, the topmost first, so that lower ones cover it. */
const topsOf = (series: readonly DaySeries[], days: number): readonly (readonly number[])[] =>
  series.map((_, at) =>
    Array.from({ length: days }, (__, day) =>
      Number(series.slice(0, at + 1).reduce((sum, { amounts }) => sum + (amounts[day] ?? 0n), 0n)),
    ),
  );

/** The days with a label: the last one, and as many earlier ones as there is room for. */
const labelled = (days: number, width: number): number[] => {
  const step = Math.max(1, Math.ceil(days / Math.max(1, Math.floor(width / DAY_LABEL))));
  return Array.from(
    { length: Math.ceil(days / step) },
    (_, at) => days - 1 - at * step,
  ).toReversed();
};

/** Draws days as stacked bars; the code of the library is loaded when the first chart is shown. @returns the function that removes it */
export const drawChart = async (
  element: HTMLElement,
  days: readonly string[],
  series: readonly DaySeries[],
): Promise<() => void> => {
  const [{ default: Plot }] = await Promise.all([
    import('uplot'),
    import('uplot/dist/uPlot.min.css'),
  ]);
  const bars = Plot.paths.bars?.({ size: [0.8, 48] });
  const colour = (token: string) => (): string => colourOf(element, token);
  const tops = topsOf(series, days.length).map((each) => each.map((top) => top / UNIT));
  const axis = {
    stroke: colour('--muted'),
    grid: { stroke: colour('--line'), width: 1 },
    ticks: { show: false },
  };
  const plot = new Plot(
    {
      width: element.clientWidth,
      height: HEIGHT,
      legend: { show: false },
      cursor: { show: false },
      scales: {
        x: { time: false, range: () => [-0.5, days.length - 0.5] },
        y: { range: (_, __, most) => [0, most > 0 ? most * HEADROOM : 1] },
      },
      axes: [
        {
          ...axis,
          grid: { show: false },
          size: 28,
          splits: ({ width }) => labelled(days.length, width),
          values: (_, at) => at.map((day) => dayText(days[day] ?? '')),
        },
        {
          ...axis,
          size: (_, labels) =>
            AXIS_PADDING + CHARACTER * Math.max(...(labels ?? ['']).map((label) => label.length)),
          values: (_, at) => at.map((top) => String(Number(top.toFixed(6)))),
        },
      ],
      series: [
        {},
        ...tops
          .map((_, at) => ({
            fill: colour(`--series-${at + 1}`),
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
  const scheme = matchMedia('(prefers-color-scheme: dark)');
  // `redraw` keeps the bars, and with them their colours.
  const redraw = (): void => plot.setData(plot.data);
  scheme.addEventListener('change', redraw);
  return () => {
    scheme.removeEventListener('change', redraw);
    observer.disconnect();
    plot.destroy();
  };
};
