import { ENTRANT } from './calls.ts';
import { cellOf, verifierOf } from './gates.ts';
import { machineLine } from './machine.ts';
import type { Results } from './results.ts';

type Bar = { readonly label: string; readonly value: number; readonly isOurs: boolean };

const WIDTH = 760;
const LEFT = 240;
const RIGHT = 90;
const STEP = 26;
const THICK = 16;

/** GitHub shows the same file in light and dark mode. */
const STYLE = `
  text { font: 13px system-ui, sans-serif; fill: #1f2328; }
  .title { font-weight: 600; }
  .small { font-size: 11px; fill: #59636e; }
  .peer { fill: #a9b4c0; }
  .ours { fill: #0969da; }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc; }
    .small { fill: #9198a1; }
    .peer { fill: #545d68; }
    .ours { fill: #4493f8; }
  }`;

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

const microseconds = (value: number): string =>
  value < 1_000
    ? `${value.toFixed(0)} µs`
    : `${(value / 1_000).toFixed(value < 10_000 ? 2 : 1)} ms`;

/** Draws a group of bars, relative to the longest. */
const panel = (title: string, bars: readonly Bar[], top: number): string => {
  const most = Math.max(...bars.map(({ value }) => value));
  const rows = bars.map(({ label, value, isOurs }, at) => {
    const y = top + 14 + at * STEP;
    const length = Math.max(1, ((WIDTH - LEFT - RIGHT) * value) / most);
    const baseline = y + THICK - 3;
    return `<text x="${LEFT - 10}" y="${baseline}" text-anchor="end">${escaped(label)}</text>
<rect class="${isOurs ? 'ours' : 'peer'}" x="${LEFT}" y="${y}" width="${length.toFixed(1)}" height="${THICK}" rx="3"/>
<text x="${(LEFT + length + 8).toFixed(1)}" y="${baseline}">${microseconds(value)}</text>`;
  });
  return [`<text class="title" x="0" y="${top}">${escaped(title)}</text>`, ...rows].join('\n');
};

const callBars = (results: Results): readonly Bar[] =>
  [
    ENTRANT.apiKey,
    ENTRANT.bound,
    ENTRANT.vanilla,
    ENTRANT.exactInstant,
    ENTRANT.batchSettlement,
  ].map((label) => ({
    label,
    value: cellOf(results, label, 16).cpuPerRequest.median,
    isOurs: label === ENTRANT.bound || label === ENTRANT.vanilla,
  }));

const verifierBars = (results: Results, figure: 'hotMany' | 'first'): readonly Bar[] =>
  (results.verification ?? []).map(({ verifier }) => ({
    label: verifier,
    value: verifierOf(results, verifier)[figure].median,
    isOurs: verifier === 'countersign',
  }));

/** Draws the chart of `docs/bench.md`. */
export const chart = (results: Results): string => {
  const panels = [
    ['CPU of one paid call, without the tool', callBars(results)],
    ['CPU of one verification, hot', verifierBars(results, 'hotMany')],
    ['CPU of the first verification of a fresh isolate', verifierBars(results, 'first')],
  ] as const;
  let top = 16;
  const drawn = panels.map(([title, bars]) => {
    const text = panel(title, bars, top);
    top += 14 + bars.length * STEP + 30;
    return text;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${top}" role="img" aria-label="CPU of Countersign and its peers; shorter is better">
<style>${STYLE}
</style>
${drawn.join('\n')}
<text class="small" x="0" y="${top - 8}">Shorter is better. ${escaped(machineLine(results.machine))}; ${results.date}, npm run bench.</text>
</svg>
`;
};
