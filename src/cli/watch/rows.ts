import { lasting } from '../../core/lasting.ts';
import type { Style } from '../lib/output.ts';
import { clipped, counted, printable, widthOf } from '../lib/text.ts';
import { dollars, isoTime } from '../lib/units.ts';
import { shownAt } from '../tail/decision.ts';
import { verdictStyle } from '../tail/verdict-style.ts';
import type { Alerts, Budget, Line, Part, SettlementRow, Settlements } from './state.ts';
import { shownOf, type View } from './view.ts';

/** A line of a part. `isItem`: the arrow keys choose it. */
export type Row = { readonly text: string; readonly isItem: boolean };

/** Text of a gateway or an agent on one line: a label must not write to the terminal or add a row (CWE-150). */
export const oneLine = (text: string): string => printable(text).replace(/\s+/g, ' ');

const NARROW = 72;
const WIDE = 100;
/** From here a budget shows what is spent and held in numbers too. */
const FULL = 94;

type Cell = {
  readonly text: string;
  readonly width: number;
  readonly isRight?: boolean;
  readonly cut?: 'end' | 'middle';
  readonly paint?: ((text: string) => string) | undefined;
};

/** Cells side by side, cut to their widths, and the line to `columns`. Colours come last: they have no width. */
const line = (cells: readonly Cell[], columns: number): string => {
  let room = columns;
  return cells
    .flatMap(({ text, width, isRight, cut, paint }, at) => {
      const gap = at === 0 ? '' : ' ';
      const fits = Math.min(width, room - gap.length);
      if (fits <= 0) return [];
      const shown = clipped(oneLine(text), fits, cut ?? 'end');
      const space = ' '.repeat(Math.max(0, fits - widthOf(shown)));
      room -= gap.length + fits;
      const painted = paint === undefined ? shown : paint(shown);
      return [gap + (isRight === true ? space + painted : painted + space)];
    })
    .join('')
    .trimEnd();
};

const note = (text: string, columns: number, style: Style): readonly Row[] => {
  // Two lines at most: the next step comes last and must stay in sight.
  const words = oneLine(text);
  const first = words.length <= columns ? words : words.slice(0, words.lastIndexOf(' ', columns));
  const rest = words.slice(first.length).trim();
  return [first, ...(rest === '' ? [] : [clipped(rest, columns)])].map((part) => ({
    text: style.dim(part),
    isItem: false,
  }));
};

/** The rows of a part that is known, or why it is not. */
const rowsOr = <T>(
  part: Part<T>,
  columns: number,
  style: Style,
  rows: (value: T) => readonly Row[],
): readonly Row[] => {
  if (part.kind === 'waiting') return [];
  return part.kind === 'closed' ? note(part.why, columns, style) : rows(part.value);
};

const item = (text: string): Row => ({ text, isItem: true });

export const decisionRows = (
  part: Part<readonly Line[]>,
  view: View,
  columns: number,
  style: Style,
): readonly Row[] =>
  rowsOr(part, columns, style, (lines) => {
    const shown = shownOf(lines, view);
    return shown.length === 0
      ? note('No decision yet. The first call of an agent appears here.', columns, style)
      : shown.map((each) => item(decisionRow(each, columns, style)));
  });

const clock = (seconds: number): string => isoTime(seconds).slice(11, 19);

const decisionRow = (decision: Line, columns: number, style: Style): string => {
  const { agent, tool = '', price, charged, verdict, rule, says, count } = decision;
  const reason = [rule, says, (count ?? 1) > 1 ? `${count} times` : undefined]
    .filter((text) => text !== undefined && text !== '')
    .join(', ');
  const [name, what, money] =
    columns < NARROW ? [10, 8, 7] : columns < WIDE ? [16, 12, 9] : [22, 16, 10];
  return line(
    [
      { text: clock(shownAt(decision)), width: 8, paint: style.dim },
      { text: agent, width: name, cut: 'middle' },
      { text: tool, width: what },
      { text: dollars(charged ?? price), width: money, isRight: true },
      { text: verdict, width: 7, paint: verdictStyle(style, verdict) },
      { text: reason, width: columns },
    ],
    columns,
  );
};

const NO_LIMIT =
  'No limit has counted a call yet: each appears with the first. `countersign policy get` shows all.';

export const budgetRows = (
  part: Part<readonly Budget[]>,
  view: View,
  columns: number,
  style: Style,
  now: number,
): readonly Row[] =>
  rowsOr(part, columns, style, (budgets) => {
    const shown = shownOf(budgets, view);
    return shown.length === 0
      ? note(NO_LIMIT, columns, style)
      : shown.map((each) => item(budgetRow(each, columns, style, now)));
  });

/** What is spent, held and left of a limit. Something that is not nothing takes at least one character. */
export const bar = ({ limit, spent, held }: Budget, width: number): string => {
  const size = BigInt(width);
  const cells = (amount: bigint): number => {
    if (amount <= 0n) return 0;
    const share = limit <= 0n ? size : (amount * size) / limit;
    return Number(share < 1n ? 1n : share > size ? size : share);
  };
  const used = cells(spent);
  const kept = Math.min(cells(held), width - used);
  return `${'#'.repeat(used)}${'='.repeat(kept)}${'.'.repeat(width - used - kept)}`;
};

const budgetRow = (budget: Budget, columns: number, style: Style, now: number): string => {
  const { agent, rule, limit, spent, held, left, resetsAt } = budget;
  const isTight = left * 5n < limit || limit === 0n;
  const paint = left === 0n ? style.bad : isTight ? style.warn : style.good;
  const resets = resetsAt === undefined ? 'never resets' : `resets in ${lasting(resetsAt - now)}`;
  const isNarrow = columns < NARROW;
  const isFull = columns >= FULL;
  const [name, what, size] = isNarrow ? [11, 10, 8] : isFull ? [13, 14, 10] : [16, 14, 10];
  return line(
    [
      { text: agent, width: name, cut: 'middle' },
      // `owner:window:day` reads as `owner:day`.
      { text: rule.replace('window:', ''), width: what },
      { text: bar(budget, size), width: size, paint },
      ...(isFull
        ? [
            { text: `spent ${dollars(spent)}`, width: 13 },
            { text: `held ${dollars(held)}`, width: 11 },
          ]
        : []),
      { text: `${dollars(left)} left`, width: isNarrow ? 13 : 15, isRight: true },
      { text: isNarrow ? resets.replace('resets ', '') : resets, width: 16 },
    ],
    columns,
  );
};

export const settlementRows = (
  part: Part<Settlements>,
  columns: number,
  style: Style,
  now: number,
): readonly Row[] =>
  rowsOr(part, columns, style, ({ rows, note: more }) => [
    ...rows.map((row) => ({ text: settlementRow(row, columns, style, now), isItem: false })),
    ...(more === undefined ? [] : note(more, columns, style)),
  ]);

const WAITING = new Set(['open', 'kept', 'unsettled']);
const BAD = new Set(['failed', 'debt']);

const settlementRow = (
  { state, count, isLeast, amount, at }: SettlementRow,
  columns: number,
  style: Style,
  now: number,
): string => {
  const isWaiting = WAITING.has(state);
  const age = at === undefined ? '' : `${isWaiting ? 'oldest' : 'newest'} ${lasting(now - at)} ago`;
  const paint = BAD.has(state) ? style.bad : isWaiting && count > 0 ? style.warn : undefined;
  return line(
    [
      { text: state, width: 10, paint: count > 0 ? paint : style.dim },
      { text: `${count}${isLeast ? '+' : ''}`, width: 5, isRight: true },
      { text: amount === undefined ? '' : dollars(amount), width: 12, isRight: true },
      { text: age, width: columns },
    ],
    columns,
  );
};

export const alertRows = (
  part: Part<Alerts>,
  view: View,
  columns: number,
  style: Style,
  now: number,
): readonly Row[] =>
  rowsOr(part, columns, style, ({ lines, deadLetters }) => {
    const shown = shownOf(lines, view);
    const letters =
      deadLetters === undefined || deadLetters.count === 0
        ? []
        : [
            `${counted(deadLetters.count, 'dead letter')}${
              deadLetters.oldest === undefined
                ? ''
                : `, oldest ${lasting(now - deadLetters.oldest)} ago`
            }: \`countersign settlements letters\``,
          ];
    const rows = [
      ...letters.map((text) => ({ text: style.bad(clipped(text, columns)), isItem: false })),
      ...shown.map((each) => item(alertRow(each, columns, style))),
    ];
    return rows.length === 0 ? note('No alert, no dead letter.', columns, style) : rows;
  });

const alertRow = (alert: Line, columns: number, style: Style): string =>
  line(
    [
      { text: clock(alert.at), width: 8, paint: style.dim },
      { text: alert.agent, width: columns < NARROW ? 11 : 16, cut: 'middle' },
      { text: alert.rule ?? '', width: columns < NARROW ? 14 : 20, paint: style.warn },
      { text: alert.says, width: columns },
    ],
    columns,
  );
