import { lasting } from '../../core/lasting.ts';
import { type Style } from '../lib/output.ts';
import { clipped, widthOf } from '../lib/text.ts';
import { alertRows, budgetRows, decisionRows, oneLine, type Row, settlementRows } from './rows.ts';
import type { Health, Part, WatchState } from './state.ts';
import { type PartName, PARTS, type View } from './view.ts';

export type Size = { readonly columns: number; readonly rows: number };

const TWO_COLUMNS = 120;
const HEAD = 2;
const MIN_ROWS = 10;

/** The lines of the whole screen: exactly `rows`, none wider than `columns`. Pure. */
export const frame = (
  state: WatchState,
  view: View,
  { columns, rows }: Size,
  style: Style,
  now: number,
): readonly string[] => {
  const head = [
    titleLine(state, view, columns, style, now),
    healthLine(state, columns, style, now),
  ];
  const foot = style.dim(clipped(footText(view, columns), columns));
  const height = Math.max(rows, MIN_ROWS) - HEAD - 1;
  const body = view.isHelp
    ? helpLines(columns)
    : columns >= TWO_COLUMNS
      ? twoColumns(state, view, columns, height, style, now)
      : oneColumn(state, view, columns, height, style, now);
  const filled = [...body, ...Array.from({ length: height }, () => '')].slice(0, height);
  return [...head, ...filled, foot].slice(-Math.max(1, rows));
};

/** All that a pipe gets: every part in full, without a chosen row. */
export const snapshot = (state: WatchState, width: number, style: Style, now: number): string => {
  const columns = Math.min(width, 120);
  const view: View = {
    ...{ part: 'decisions', row: -1, only: undefined, isPaused: false, isHelp: false },
  };
  return [
    titleLine(state, view, columns, style, now),
    healthLine(state, columns, style, now),
    ...PARTS.flatMap((part) => ['', ...block(state, view, part, columns, 21, style, now)]),
  ].join('\n');
};

const oneColumn = (
  state: WatchState,
  view: View,
  columns: number,
  height: number,
  style: Style,
  now: number,
): readonly string[] => {
  const heights = sharesOf(height, [7, 6, 4, 4]);
  return PARTS.flatMap((part, at) =>
    fixed(block(state, view, part, columns, heights[at] ?? 0, style, now), heights[at] ?? 0),
  );
};

const twoColumns = (
  state: WatchState,
  view: View,
  columns: number,
  height: number,
  style: Style,
  now: number,
): readonly string[] => {
  const left = Math.floor((columns - 3) / 2);
  const right = columns - 3 - left;
  const [decisions, ...others] = PARTS;
  const heights = sharesOf(height, [9, 6, 6]);
  const one = fixed(block(state, view, decisions, left, height, style, now), height);
  const two = others.flatMap((part, at) =>
    fixed(block(state, view, part, right, heights[at] ?? 0, style, now), heights[at] ?? 0),
  );
  return one.map((line, at) => {
    const space = ' '.repeat(Math.max(0, left - widthOf(line)));
    return `${line}${space} ${style.dim('│')} ${two[at] ?? ''}`;
  });
};

/** Splits a height by weights; the first part takes what is over. */
const sharesOf = (height: number, weights: readonly number[]): readonly number[] => {
  const sum = weights.reduce((total, weight) => total + weight, 0);
  const shares = weights.map((weight) => Math.floor((height * weight) / sum));
  const rest = height - shares.reduce((total, share) => total + share, 0);
  return shares.map((share, at) => (at === 0 ? share + rest : share));
};

const fixed = (lines: readonly string[], height: number): readonly string[] =>
  Array.from({ length: height }, (_, at) => lines[at] ?? '');

const TITLES: Readonly<Record<PartName, string>> = {
  decisions: 'Decisions',
  budgets: 'Tightest budgets',
  settlements: 'Settlements',
  alerts: 'Alerts',
};

/** A title with the age of its numbers, and the rows that fit below. */
const block = (
  state: WatchState,
  view: View,
  part: PartName,
  columns: number,
  height: number,
  style: Style,
  now: number,
): readonly string[] => {
  const isChosen = view.part === part && view.row >= 0;
  const title = `${isChosen ? '> ' : '  '}${TITLES[part]}`;
  const age = clipped(ageText(state[part], now), Math.max(0, columns - widthOf(title) - 2));
  const line = `${isChosen ? style.bold(title) : title}  ${style.dim(age)}`;
  const room = Math.max(0, height - 1);
  const rows = rowsOf(state, view, part, columns - 2, style, now);
  // Keep the chosen row in sight.
  const chosen = isChosen
    ? rows.findIndex((row, at) => row.isItem && itemsBefore(rows, at) === view.row)
    : -1;
  const from = Math.max(0, Math.min(chosen - room + 1, rows.length - room));
  return [
    line,
    ...rows
      .slice(from, from + room)
      .map((row, at) => `${from + at === chosen ? '> ' : '  '}${row.text}`),
  ];
};

const itemsBefore = (rows: readonly Row[], end: number): number =>
  rows.slice(0, end).filter(({ isItem }) => isItem).length;

const rowsOf = (
  state: WatchState,
  view: View,
  part: PartName,
  columns: number,
  style: Style,
  now: number,
): readonly Row[] => {
  switch (part) {
    case 'decisions':
      return decisionRows(state.decisions, view, columns, style);
    case 'budgets':
      return budgetRows(state.budgets, view, columns, style, now);
    case 'settlements':
      return settlementRows(state.settlements, columns, style, now);
    case 'alerts':
      return alertRows(state.alerts, view, columns, style, now);
  }
};

const clock = (seconds: number): string => new Date(seconds * 1000).toISOString().slice(11, 19);

const ageText = (part: Part<unknown>, now: number): string => {
  if (part.kind === 'waiting') return 'reading …';
  if (part.kind === 'closed') return 'not for this key';
  if (part.asOf === undefined) return 'age unknown';
  return `as of ${clock(part.asOf)}, ${lasting(now - part.asOf)} ago`;
};

const titleLine = (
  { gateway, signer }: WatchState,
  { only, isPaused }: View,
  columns: number,
  style: Style,
  now: number,
): string => {
  const time = `${clock(now)} UTC`;
  const filter = only === undefined ? '' : '  one account only (Esc: all)';
  const paused = isPaused ? 'PAUSED  ' : '';
  const room = Math.max(0, columns - time.length - paused.length - 1);
  const left = clipped(oneLine(`${gateway}  ${signer}${filter}`), room);
  return `${style.bold(left)}${' '.repeat(Math.max(1, room + 1 - widthOf(left)))}${style.warn(paused)}${time}`;
};

const healthLine = ({ health }: WatchState, columns: number, style: Style, now: number): string => {
  const [paint, text] = healthText(health, style, now);
  return paint(clipped(oneLine(text), columns));
};

const healthText = (
  health: Health,
  style: Style,
  now: number,
): readonly [(text: string) => string, string] => {
  switch (health.kind) {
    case 'waiting':
      return [style.dim, 'asking the gateway …'];
    case 'gone':
      return [
        style.bad,
        `GONE since ${clock(health.since)} (${lasting(now - health.since)}). ${health.why} Next try ${
          health.retryAt > now ? `in ${lasting(health.retryAt - now)}` : 'now'
        }.`,
      ];
    case 'ok': {
      const { isPaused, ms, at, stopped = [] } = health;
      const backends = stopped.length === 0 ? '' : `  backends paused: ${stopped.join(', ')}`;
      const text = `${isPaused ? 'the gateway is paused' : 'gateway ok'}, ${ms} ms, as of ${clock(at)}${backends}`;
      return [isPaused || stopped.length > 0 ? style.warn : style.good, text];
    }
  }
};

const footText = ({ isHelp }: View, columns: number): string => {
  if (isHelp) return 'any key: back';
  return columns < 70
    ? 'q quit  Tab ↑↓ choose  Enter one  Esc all  p pause  ? help'
    : 'q quit  Tab part  ↑↓ row  Enter one agent  Esc all  p pause  ? help';
};

const helpLines = (columns: number): readonly string[] =>
  [
    '',
    'q, Ctrl-C     quit',
    'Tab, ← →      choose a part',
    '↑ ↓           choose a row',
    'Enter         show only the agent of the row',
    'Esc           show all agents',
    'p             pause: read and draw nothing new',
    '?             this help',
    '',
    'A bar shows what is spent (#), held (=) and left (.).',
    'Accounts report what their agents spent within 70 s.',
    'Further denials by one rule within ten seconds are one row with a count.',
  ].map((line) => clipped(line, columns));
