import type { Names } from '../lib/account-names.ts';
import { dollars } from '../lib/amounts.ts';
import type { Output } from '../lib/output.ts';
import { listed } from '../lib/print.ts';
import { clipped, counted, printable } from '../lib/text.ts';
import type { AnswerOf } from '../../management/routes.ts';

export type SpendRow = AnswerOf<'account.spend'>['items'][number];

export const GROUPS = ['tool', 'agent', 'payee', 'day'] as const;
export type Group = (typeof GROUPS)[number];

/** The spend of one tool, agent, payee or day. */
export type SpendLine = {
  readonly key: string;
  readonly calls: number;
  /** Atomic units. */
  readonly charged: bigint;
  readonly denied: number;
  readonly failed: number;
};

const added = (sum: SpendLine, line: SpendLine): SpendLine => ({
  key: sum.key,
  calls: sum.calls + line.calls,
  charged: sum.charged + line.charged,
  denied: sum.denied + line.denied,
  failed: sum.failed + line.failed,
});

const zero = (key: string): SpendLine => ({ key, calls: 0, charged: 0n, denied: 0, failed: 0 });

/** Adds the rows of each key, which differ in their asset: every asset is a dollar token. Sorts days by date, all else by spend. */
export const linesOf = (rows: readonly SpendRow[], group: Group): readonly SpendLine[] => {
  const lines = new Map<string, SpendLine>();
  for (const row of rows) {
    const line = { ...row, charged: BigInt(row.charged) };
    lines.set(row.key, added(lines.get(row.key) ?? zero(row.key), line));
  }
  return [...lines.values()].toSorted((one, other) => {
    if (group === 'day') return one.key < other.key ? -1 : 1;
    if (one.charged !== other.charged) return one.charged > other.charged ? -1 : 1;
    return other.calls + other.denied - (one.calls + one.denied);
  });
};

export const totalOf = (lines: readonly SpendLine[]): SpendLine =>
  lines.reduce(added, zero('total'));

const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

/** A bar in proportion to the largest amount, to an eighth of a column. Every amount above zero is visible. */
export const bar = (amount: bigint, largest: bigint, width: number): string => {
  if (largest <= 0n || amount <= 0n) return '';
  const eighths = Math.max(1, Number((amount * BigInt(width * 8)) / largest));
  return '█'.repeat(Math.floor(eighths / 8)) + (EIGHTHS[eighths % 8] ?? '');
};

const BAR = 24;
const NARROW = 64;

/** A table with bars; on a narrow terminal three lines for each key. */
export const spendText = (
  out: Output,
  lines: readonly SpendLine[],
  group: Group,
  names: Names,
): string => {
  const { style } = out;
  const total = totalOf(lines);
  const largest = lines.reduce((max, { charged }) => (charged > max ? charged : max), 0n);
  const nameOf = (key: string): string =>
    printable(group === 'agent' || group === 'payee' ? names.of(key) : key === '' ? 'none' : key);
  if (out.width < NARROW) {
    const text = (line: SpendLine, name: string): string => {
      const amount = dollars(line.charged);
      const label = clipped(name, Math.max(4, out.width - amount.length - 2), 'middle');
      const gap = ' '.repeat(Math.max(1, out.width - [...label].length - amount.length));
      const isTotal = line === total;
      return [
        `${isTotal ? style.bold(label) : label}${gap}${amount}`,
        isTotal ? '' : `  ${style.accent(bar(line.charged, largest, out.width - 4))}`,
        style.dim(`  ${countsText(line)}`),
      ]
        .filter((each) => each.trim() !== '')
        .join('\n');
    };
    return [...lines.map((line) => text(line, nameOf(line.key))), text(total, 'total')].join('\n');
  }
  const cells = (line: SpendLine, name: string): string[] => [
    name,
    dollars(line.charged),
    String(line.calls),
    String(line.denied),
    String(line.failed),
  ];
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
    [
      ...lines.map((line) => [...cells(line, nameOf(line.key)), bar(line.charged, largest, BAR)]),
      cells(total, 'total'),
    ],
    (text, column, row) => {
      if (row === lines.length) return style.bold(text);
      if (column === 5) return style.accent(text);
      return column === 3 && text !== '0' ? style.warn(text) : text;
    },
  );
};

const countsText = ({ calls, denied, failed }: SpendLine): string =>
  [
    counted(calls, 'call'),
    ...(denied === 0 ? [] : [`${denied} denied`]),
    ...(failed === 0 ? [] : [`${failed} failed`]),
  ].join(', ');
