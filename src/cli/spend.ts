import type { AccountId } from '../protocol/account-id.ts';
import { accountNamed, namesOf } from './lib/account-names.ts';
import { type AdminClient, openAdmin, roleOf } from './lib/admin-client.ts';
import { defineCommand } from './lib/command.ts';
import { isRefusal } from './lib/error-of.ts';
import { usageError } from './lib/errors.ts';
import { sentence } from './lib/print.ts';
import { dayIn, isoDay } from './lib/times.ts';
import { GROUPS, linesOf, type SpendRow, spendText, totalOf } from './spend/report.ts';

const MAX_ROWS = 10_000;
const DAYS = 30;

export const command = defineCommand({
  summary: 'report spend by tool, agent, payee or day',
  arguments: [
    {
      syntax: '[account]',
      summary: 'this account and its descendants (default: your own)',
    },
  ],
  options: [
    { flags: '--by <what>', summary: 'what a row stands for (default: tool)', choices: GROUPS },
    { flags: '--from <day>', summary: 'first day of UTC (default: 30 days ago)' },
    { flags: '--to <day>', summary: 'last day of UTC (default: today)' },
    {
      flags: '--operator',
      summary: 'sign as operator; without an account, report the whole gateway',
    },
  ],
  shared: ['gateway', 'signer'],
  examples: [
    'countersign spend --by tool',
    'countersign spend team/alice --by day --from 2026-11-01',
    'countersign spend --operator --by agent',
  ],
  run: async (session, input) => {
    const { out } = session;
    const group = GROUPS.find((each) => each === (input.text('by') ?? 'tool')) ?? 'tool';
    const to = dayIn(input.text('to'), '--to') ?? isoDay(session.now());
    const from =
      dayIn(input.text('from'), '--from') ??
      isoDay(Date.parse(`${to}T00:00:00Z`) / 1000 - (DAYS - 1) * 86_400);
    if (from > to) throw usageError('--from is after --to.', 'Swap the two days.');
    const admin = await openAdmin(session, roleOf(input));
    const query = { from, to, by: group === 'agent' ? 'account' : group, limit: 500 } as const;
    const { scope, rows } = await readSpend(admin, input.arguments[0], query);
    const lines = linesOf(rows, group);
    const names = await namesOf(session);
    const title = scope === 'gateway' ? 'the whole gateway' : names.of(scope);
    const document = { scope, from, to, by: group, rows: lines, total: totalOf(lines) };
    out.result(document, () =>
      [
        sentence(
          out,
          `${out.style.bold(title)}  ${out.style.dim(`${from} to ${to}; the log is a few seconds behind`)}`,
        ),
        lines.length === 0
          ? sentence(out, 'No spend and no denial in these days.')
          : spendText(out, lines, group, names),
      ].join('\n'),
    );
  },
});

type Query = {
  readonly from: string;
  readonly to: string;
  readonly by: 'tool' | 'payee' | 'day' | 'account';
  readonly limit: number;
};
type Spend = { readonly scope: AccountId | 'gateway'; readonly rows: readonly SpendRow[] };

const readSpend = async (
  admin: AdminClient,
  text: string | undefined,
  query: Query,
): Promise<Spend> => {
  const ofGateway = async (): Promise<Spend> => ({
    scope: 'gateway',
    rows: await rowsOf(admin, admin.list('spend', { query })),
  });
  if (text === undefined && admin.role === 'operator') return await ofGateway();
  const account = text === undefined ? await admin.own() : await accountNamed(admin, text);
  try {
    const items = admin.list('account.spend', { params: { account }, query });
    return { scope: account, rows: await rowsOf(admin, items) };
  } catch (thrown) {
    // The signer may be an operator without an account of its own.
    if (text !== undefined || !isRefusal(thrown, 'unknown_account')) throw thrown;
    return await ofGateway().catch(() => {
      throw thrown;
    });
  }
};

const rowsOf = async (
  { session }: AdminClient,
  items: AsyncGenerator<SpendRow>,
): Promise<readonly SpendRow[]> =>
  await session.progress.during('adding up', async () => {
    const rows: SpendRow[] = [];
    for await (const row of items) {
      rows.push(row);
      if (rows.length > MAX_ROWS)
        throw usageError(
          `The report has more than ${MAX_ROWS} rows.`,
          'Give fewer days with --from and --to.',
        );
    }
    return rows;
  });
