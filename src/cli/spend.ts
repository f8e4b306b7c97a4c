import type { PageInfo } from '../client/management.ts';
import type { AnswerOf } from '../management/routes.ts';
import type { AccountId } from '../protocol/account-id.ts';
import { type FiatAsset, isFiat, USD } from '../protocol/fiat-asset.ts';
import { accountNamed, type Names, namesOf } from './lib/accounts.ts';
import { type AdminClient, datedList, openAdmin, roleOf } from './lib/admin-client.ts';
import type { Command } from './lib/command.ts';
import { isRefusal, usageError } from './lib/errors.ts';
import type { Output } from './lib/output.ts';
import { asOfLine, listed, sentence } from './lib/print.ts';
import { clipped, counted, printable } from './lib/text.ts';
import { dayRange, dayRangeIn } from './lib/time.ts';
import { inAsset, isoDay } from './lib/units.ts';

const GROUPS = ['tool', 'agent', 'payee', 'day'] as const;

type Group = (typeof GROUPS)[number];

const MAX_ROWS = 10_000;
const DAYS = 30;

export const command: Command = {
  summary: 'report spend by tool, agent, payee or day',
  arguments: [
    {
      syntax: '[account]',
      summary: 'this account and its descendants (default: your own)',
    },
  ],
  options: [
    { flags: '--by <what>', summary: 'what a row stands for (default: tool)', choices: GROUPS },
    ...dayRange,
    {
      flags: '--operator',
      summary: 'sign as operator; without an account, report the whole gateway',
    },
  ],
  shared: ['gateway', 'signer'],
  examples: [
    'countersign spend --by tool',
    'countersign spend team/alice --by day --from 7d',
    'countersign spend --operator --by agent',
  ],
  run: async (session, input) => {
    const { out } = session;
    const group = GROUPS.find((each) => each === (input.text('by') ?? 'tool')) ?? 'tool';
    const days = dayRangeIn(input, session.now());
    const to = days.to ?? isoDay(session.now());
    const from = days.from ?? isoDay(Date.parse(`${to}T00:00:00Z`) / 1000 - (DAYS - 1) * 86_400);
    const admin = await openAdmin(session, roleOf(input));
    const query = { from, to, by: group === 'agent' ? 'account' : group, limit: 500 } as const;
    const { scope, rows, asOf } = await readSpend(admin, input.arguments[0], query);
    const lines = linesOf(rows, group);
    const names = await namesOf(session);
    const title = scope === 'gateway' ? 'the whole gateway' : names.of(scope);
    const document = {
      scope,
      from,
      to,
      by: group,
      rows: lines,
      totals: totalsOf(lines),
      as_of: asOf,
    };
    out.result(document, () =>
      [
        sentence(out, `${out.style.bold(title)}  ${out.style.dim(`${from} to ${to}`)}`),
        lines.length === 0
          ? sentence(out, 'No spend and no denial in these days.')
          : spendText(out, lines, group, names),
        asOfLine(out, asOf, session.now()),
      ].join('\n'),
    );
  },
};

type Query = {
  readonly from: string;
  readonly to: string;
  readonly by: 'tool' | 'payee' | 'day' | 'account';
  readonly limit: number;
};

type Spend = { readonly scope: AccountId | 'gateway' } & Report;

type Report = { readonly rows: readonly SpendRow[]; readonly asOf?: number };

const readSpend = async (
  admin: AdminClient,
  text: string | undefined,
  query: Query,
): Promise<Spend> => {
  const ofGateway = async (): Promise<Spend> => ({
    scope: 'gateway',
    ...(await reportOf(admin, (onPage) => admin.list('spend', { query, onPage }))),
  });
  if (text === undefined && admin.role === 'operator') return await ofGateway();
  const account = text === undefined ? await admin.own() : await accountNamed(admin, text);
  try {
    const report = await reportOf(admin, (onPage) =>
      admin.list('account.spend', { params: { account }, query, onPage }),
    );
    return { scope: account, ...report };
  } catch (thrown) {
    // The signer may be an operator without an account of its own.
    if (text !== undefined || !isRefusal(thrown, 'unknown_account')) throw thrown;
    return await ofGateway().catch(() => {
      throw thrown;
    });
  }
};

const reportOf = async (
  admin: AdminClient,
  open: (onPage: (page: PageInfo) => void) => AsyncGenerator<SpendRow>,
): Promise<Report> => {
  const { items, ...age } = await datedList(admin, open, MAX_ROWS + 1);
  if (items.length > MAX_ROWS)
    throw usageError(
      `The report has more than ${MAX_ROWS} rows.`,
      'Give fewer days with --from and --to.',
    );
  return { rows: items, ...age };
};

type SpendRow = AnswerOf<'account.spend'>['items'][number];

/** The spend of one tool, agent, payee or day: in dollar tokens, or in the currency of cards. */
type SpendLine = {
  readonly key: string;
  /** Absent: dollar tokens. */
  readonly asset?: FiatAsset;
  readonly calls: number;
  /** Atomic units. */
  readonly charged: bigint;
  readonly denied: number;
  readonly failed: number;
};

/**
 * Adds up the dollar tokens of each key, and never adds cards to them. Denials have no asset, so the first line of their key counts them.
 * Sorts days by date, all else by spend.
 */
export const linesOf = (rows: readonly SpendRow[], group: Group): readonly SpendLine[] => {
  const lines = new Map<string, SpendLine>();
  for (const { asset, ...row } of [
    ...rows.filter((each) => each.asset !== undefined),
    ...rows.filter((each) => each.asset === undefined),
  ]) {
    const inFiat = `${row.key}\n${USD}`;
    const isCard = asset === undefined ? !lines.has(row.key) && lines.has(inFiat) : isFiat(asset);
    const name = isCard ? inFiat : row.key;
    const line = { ...row, charged: BigInt(row.charged) };
    const empty: SpendLine = isCard ? { ...zero(row.key), asset: USD } : zero(row.key);
    lines.set(name, added(lines.get(name) ?? empty, line));
  }
  return [...lines.values()].toSorted((one, other) => {
    if (group === 'day' && one.key !== other.key) return one.key < other.key ? -1 : 1;
    if (one.charged !== other.charged) return one.charged > other.charged ? -1 : 1;
    return other.calls + other.denied - (one.calls + one.denied);
  });
};

/** One total of dollar tokens, and one of cards if a card was charged. */
export const totalsOf = (lines: readonly SpendLine[]): readonly SpendLine[] => {
  const cards = lines.filter(({ asset }) => asset !== undefined);
  const tokens = lines.filter(({ asset }) => asset === undefined);
  return [
    ...(tokens.length > 0 || cards.length === 0 ? [tokens.reduce(added, zero('total'))] : []),
    ...(cards.length > 0
      ? [cards.reduce(added, { ...zero('total'), asset: USD as FiatAsset })]
      : []),
  ];
};

const added = (sum: SpendLine, line: SpendLine): SpendLine => ({
  ...sum,
  calls: sum.calls + line.calls,
  charged: sum.charged + line.charged,
  denied: sum.denied + line.denied,
  failed: sum.failed + line.failed,
});

const zero = (key: string): SpendLine => ({ key, calls: 0, charged: 0n, denied: 0, failed: 0 });

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
  const totals = totalsOf(lines);
  const largest = lines.reduce((max, { charged }) => (charged > max ? charged : max), 0n);
  const nameOf = (key: string): string =>
    printable(group === 'agent' || group === 'payee' ? names.of(key) : key === '' ? 'none' : key);
  if (out.width < NARROW) {
    const text = (line: SpendLine, name: string): string => {
      const amount = inAsset(line.charged, line.asset);
      const label = clipped(name, Math.max(4, out.width - amount.length - 2), 'middle');
      const gap = ' '.repeat(Math.max(1, out.width - [...label].length - amount.length));
      const isTotal = totals.includes(line);
      return [
        `${isTotal ? style.bold(label) : label}${gap}${amount}`,
        isTotal ? '' : `  ${style.accent(bar(line.charged, largest, out.width - 4))}`,
        style.dim(`  ${countsText(line)}`),
      ]
        .filter((each) => each.trim() !== '')
        .join('\n');
    };
    return [
      ...lines.map((line) => text(line, nameOf(line.key))),
      ...totals.map((line) => text(line, 'total')),
    ].join('\n');
  }
  const cells = (line: SpendLine, name: string): string[] => [
    name,
    inAsset(line.charged, line.asset),
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
      ...totals.map((line) => cells(line, 'total')),
    ],
    (text, column, row) => {
      if (row >= lines.length) return style.bold(text);
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

const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

/** A bar in proportion to the largest amount, to an eighth of a column. Every amount above zero is visible. */
export const bar = (amount: bigint, largest: bigint, width: number): string => {
  if (largest <= 0n || amount <= 0n) return '';
  const eighths = Math.max(1, Number((amount * BigInt(width * 8)) / largest));
  return '█'.repeat(Math.floor(eighths / 8)) + (EIGHTHS[eighths % 8] ?? '');
};
