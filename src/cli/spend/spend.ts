import type { AccountId } from '../../protocol/account-id.ts';
import type { Input } from '../lib/command.ts';
import { usageError } from '../lib/errors.ts';
import { type AdminClient, openAdmin, roleOf } from '../lib/admin-client.ts';
import { isRefusal } from '../lib/refusal.ts';
import { sentence } from '../lib/print.ts';
import { isoDay } from '../lib/times.ts';
import { accountNamed, namesOf } from '../lib/account-names.ts';
import type { Session } from '../lib/session.ts';
import { GROUPS, linesOf, type SpendRow, spendText, totalOf } from './report.ts';

const MOST_ROWS = 10_000;
const DAYS = 30;

/** `spend`: what an account and all below it have spent; of the whole gateway for an operator. */
export const showSpend = async (session: Session, input: Input): Promise<void> => {
  const { out } = session;
  const group = GROUPS.find((each) => each === (input.text('by') ?? 'tool')) ?? 'tool';
  const to = dayIn(input, 'to') ?? isoDay(session.now());
  const from =
    dayIn(input, 'from') ?? isoDay(Date.parse(`${to}T00:00:00Z`) / 1000 - (DAYS - 1) * 86_400);
  if (from > to) throw usageError('--from is after --to.', 'Exchange them.');
  const admin = await openAdmin(session, roleOf(input));
  const query = { from, to, by: group === 'agent' ? 'account' : group, limit: 500 } as const;
  const { scope, rows } = await read(admin, input.arguments[0], query);
  const lines = linesOf(rows, group);
  const names = await namesOf(session);
  const document = { scope, from, to, by: group, rows: lines, total: totalOf(lines) };
  out.result(document, () =>
    [
      sentence(
        out,
        `${out.style.bold(scope === 'gateway' ? 'the whole gateway' : names.of(scope))}  ${out.style.dim(`${from} to ${to}, from the log: a few seconds behind`)}`,
      ),
      lines.length === 0
        ? sentence(out, 'Nothing was spent or denied in these days.')
        : spendText(out, lines, group, names),
    ].join('\n'),
  );
};

type Query = {
  readonly from: string;
  readonly to: string;
  readonly by: 'tool' | 'payee' | 'day' | 'account';
  readonly limit: number;
};
type Read = { readonly scope: AccountId | 'gateway'; readonly rows: readonly SpendRow[] };

const read = async (admin: AdminClient, text: string | undefined, query: Query): Promise<Read> => {
  const gateway = async (): Promise<Read> => ({
    scope: 'gateway',
    rows: await rowsOf(admin, admin.list('spend', { query })),
  });
  if (text === undefined && admin.role === 'operator') return await gateway();
  const account = text === undefined ? await admin.own() : await accountNamed(admin, text);
  try {
    const items = admin.list('account.spend', { params: { account }, query });
    return { scope: account, rows: await rowsOf(admin, items) };
  } catch (thrown) {
    // An operator without an account of its own has a whole gateway.
    if (text !== undefined || !isRefusal(thrown, 'unknown_account')) throw thrown;
    return await gateway().catch(() => {
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
      if (rows.length > MOST_ROWS)
        throw usageError(
          `There are more than ${MOST_ROWS} rows.`,
          'Give fewer days with --from and --to.',
        );
    }
    return rows;
  });

const dayIn = (input: Input, option: 'from' | 'to'): string | undefined => {
  const text = input.text(option);
  if (text === undefined) return undefined;
  const at = /^2[0-9]{3}-[01][0-9]-[0-3][0-9]$/.test(text)
    ? Date.parse(`${text}T00:00:00Z`)
    : Number.NaN;
  if (!Number.isNaN(at) && isoDay(at / 1000) === text) return text;
  throw usageError(`--${option} takes a day of UTC.`, `Give e.g. --${option} 2026-11-25.`);
};
