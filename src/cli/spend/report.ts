import type { AnswerOf } from '../../management/types.ts';
import type { Output } from '../lib/output.ts';
import { dollars } from '../lib/amounts.ts';
import { listed } from '../lib/print.ts';
import type { Names } from '../lib/account-names.ts';
import { clipped, counted, printable } from '../lib/text.ts';

export type SpendRow = AnswerOf<'account.spend'>['items'][number];

export const GROUPS = ['tool', 'agent', 'payee', 'day'] as const;
export type Group = (typeof GROUPS)[number];

/** Rows of one key are of several assets: all of them are dollars of six decimals. */
const summed = (rows: readonly SpendRow[]): readonly Line[] => {
  const lines = new Map<string, Line>();
  for (const { key, calls, charged, denied, failed } of rows) {
    const before = lines.get(key) ?? { key, calls: 0, charged: 0n, denied: 0, failed: 0 };
    lines.set(key, {
      key,
      calls: before.calls + calls,
      charged: before.charged + BigInt(charged),
      denied: before.denied + denied,
      failed: before.failed + failed,
    });
  }
  return [...lines.values()];
};

export type Line = {
  readonly key: string;
  readonly calls: number;
  readonly charged: bigint;
  readonly denied: number;
  readonly failed: number;
};

/** Days in their order, all else by what was spent. */
export const linesOf = (rows: readonly SpendRow[], group: Group): readonly Line[] =>
  summed(rows).toSorted((one, other) => {
    if (group === 'day') return one.key < other.key ? -1 : 1;
    if (one.charged !== other.charged) return one.charged > other.charged ? -1 : 1;
    return other.calls + other.denied - (one.calls + one.denied);
  });

export const totalOf = (lines: readonly Line[]): Line =>
  lines.reduce(
    (sum, line) => ({
      key: 'total',
      calls: sum.calls + line.calls,
      charged: sum.charged + line.charged,
      denied: sum.denied + line.denied,
      failed: sum.failed + line.failed,
    }),
    { key: 'total', calls: 0, charged: 0n, denied: 0, failed: 0 },
  );

const PARTS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

/** A bar of `share` of `width` columns, to an eighth of one; what is more than nothing is seen. */
export const bar = (amount: bigint, most: bigint, width: number): string => {
  if (most <= 0n || amount <= 0n) return '';
  const eighths = Number((amount * BigInt(width * 8)) / most);
  const shown = Math.max(1, eighths);
  return '█'.repeat(Math.floor(shown / 8)) + (PARTS[shown % 8] ?? '');
};

const BAR = 24;
const NARROW = 64;

/** The report for people: a table where there is room, else a line and a bar for each. */
export const spendText = (
  out: Output,
  lines: readonly Line[],
  group: Group,
  names: Names,
): string => {
  const { style } = out;
  const total = totalOf(lines);
  const most = lines.reduce((max, { charged }) => (charged > max ? charged : max), 0n);
  const nameOf = (key: string): string =>
    printable(group === 'agent' || group === 'payee' ? names.of(key) : key === '' ? 'none' : key);
  if (out.width < NARROW) {
    const width = out.width - 2;
    return [...lines, total]
      .map((line) => {
        const isTotal = line === total;
        const amount = dollars(line.charged);
        const name = isTotal ? 'total' : nameOf(line.key);
        const room = Math.max(4, out.width - amount.length - 2);
        const label = clipped(name, room, 'middle');
        const head = `${isTotal ? style.bold(label) : label}${' '.repeat(Math.max(1, out.width - [...label].length - amount.length))}${amount}`;
        return [
          head,
          ...(isTotal ? [] : [`  ${style.accent(bar(line.charged, most, width - 2))}`]),
          style.dim(`  ${countsText(line)}`),
        ]
          .filter((text) => text.trim() !== '')
          .join('\n');
      })
      .join('\n');
  }
  const rows = [...lines, total].map((line) => [
    line === total ? 'total' : nameOf(line.key),
    dollars(line.charged),
    String(line.calls),
    String(line.denied),
    String(line.failed),
    line === total ? '' : bar(line.charged, most, BAR),
  ]);
  return listed(
    out,
    [
      { title: group.toUpperCase(), cut: 'middle' },
      { title: 'SPENT', align: 'right' },
      { title: 'CALLS', align: 'right' },
      { title: 'DENIED', align: 'right' },
      { title: 'FAILED', align: 'right' },
      { title: 'SHARE' },
    ],
    rows,
    (text, column, row) => {
      if (row === lines.length) return style.bold(text);
      if (column === 5) return style.accent(text);
      return column === 3 && text !== '0' ? style.warn(text) : text;
    },
  );
};

const countsText = ({ calls, denied, failed }: Line): string =>
  [
    counted(calls, 'call'),
    ...(denied === 0 ? [] : [`${denied} denied`]),
    ...(failed === 0 ? [] : [`${failed} failed`]),
  ].join(', ');
