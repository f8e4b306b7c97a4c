import { rm } from 'node:fs/promises';
import { type AdminClient, openAdmin, roleOf } from '../lib/admin-client.ts';
import { namesOf } from '../lib/accounts.ts';
import { writePages } from '../lib/atomic-file.ts';
import { AS_OPERATOR, type Command } from '../lib/command.ts';
import { usageError } from '../lib/errors.ts';
import type { Input } from '../lib/input.ts';
import { sentence } from '../lib/print.ts';
import { counted } from '../lib/text.ts';
import { timeRange, timeRangeIn } from '../lib/time.ts';
import { callTable } from './call-table.ts';
import {
  type ExportedAccount,
  exportedAccounts,
  type Scope,
  scopeOf,
} from './exported-accounts.ts';
import { writeExportFolder } from './write-export-folder.ts';
import { logPages } from './log-pages.ts';
import { entriesBetween } from '../../client/log-lines.ts';

const FORMATS = ['ndjson', 'csv', 'parquet'] as const;
type Format = (typeof FORMATS)[number];

export const exportLog: Command = {
  summary: 'export logs: of accounts, of your fleet, or as operator of all',
  arguments: [{ syntax: '[accounts...]', summary: 'key names, labels, addresses or account ids' }],
  options: [
    { flags: '--fleet', summary: 'your own account and all of its descendants' },
    { flags: '--all', summary: 'as operator: every account of the gateway' },
    {
      flags: '-o, --out <path>',
      summary: 'a new folder for ndjson of several accounts, else a file (default: stdout)',
    },
    {
      flags: '--format <format>',
      summary:
        'ndjson: every entry, to verify; csv, parquet: one row a call or denial (default: ndjson)',
      choices: FORMATS,
    },
    ...timeRange('the first entry'),
    { flags: '--tool <tool>', summary: 'csv, parquet: only calls of this tool' },
    { flags: '--denied', summary: 'csv, parquet: only denials' },
    AS_OPERATOR,
  ],
  shared: ['gateway', 'signer'],
  examples: [
    'countersign audit export --fleet -o audit',
    'countersign audit export --fleet --format csv --from 30d -o calls.csv',
    'countersign audit export team/alice -o alice.ndjson',
  ],
  run: async (session, input) => {
    const scope = scopeOf(input.arguments, input.flag('fleet'), input.flag('all'));
    const format = FORMATS.find((each) => each === input.text('format')) ?? 'ndjson';
    const isOne = scope.kind === 'accounts' && scope.named.length === 1;
    checkOptions(input, format, isOne);
    const admin = await openAdmin(session, scope.kind === 'all' ? 'operator' : roleOf(input));
    if (format !== 'ndjson') await exportTable(admin, input, scope, format);
    else if (isOne) await exportOne(admin, input, scope);
    else await exportSeveral(admin, input, scope);
  },
};

/** Refuses combinations of options whose file would lack data that its reader expects. @throws CliError usage */
const checkOptions = (input: Input, format: Format, isOne: boolean): void => {
  const out = input.text('out');
  const isWhole = format === 'ndjson';
  if (isWhole && (input.text('tool') !== undefined || input.flag('denied')))
    throw usageError(
      'A log without some of its entries has no chain to verify.',
      'Add --format csv to --tool and --denied, or leave them out.',
    );
  if (isWhole && !isOne && (input.text('from') !== undefined || input.text('to') !== undefined))
    throw usageError(
      'The logs of several accounts are exported whole: a verifier adds up what one spent of the limits of another.',
      'Leave --from and --to out, export one account, or add --format csv.',
    );
  if ((isWhole && !isOne) || format === 'parquet')
    if (out === undefined || out === '-')
      throw usageError(
        isWhole ? 'The logs of several accounts are a folder.' : 'Parquet needs a file.',
        `Give -o ${isWhole ? 'audit' : 'calls.parquet'}.`,
      );
};

/** A log as one file, or on stdout. */
const exportOne = async (admin: AdminClient, input: Input, scope: Scope): Promise<void> => {
  const { session } = admin;
  const { out } = session;
  const range = timeRangeIn(input, session.now());
  const [one] = await exportedAccounts(admin, scope);
  if (one === undefined) return;
  const pages = entriesBetween(logPages(admin, one.account), range);
  const path = input.text('out');
  if (path === undefined || path === '-') {
    await toStdout(admin, pages);
    return;
  }
  const { lines, bytes } = await writePages(session, path, pages);
  const names = await namesOf(session);
  const what = lines === 1 ? '1 entry' : `${lines} entries`;
  const document = { account: one.account, format: 'ndjson', file: path, rows: lines, bytes };
  out.result(document, () =>
    [
      `${out.style.good('written')}  ${what} of ${names.of(one.account)} to ${path}`,
      out.style.dim(`\`countersign audit verify ${path}\` verifies the log offline`),
    ].join('\n'),
  );
};

const toStdout = async ({ session }: AdminClient, pages: AsyncIterable<string>): Promise<void> => {
  const encoder = new TextEncoder();
  for await (const page of pages) await session.out.bytes(encoder.encode(page));
};

/** The logs of several accounts, as the folder that verifiers read. */
const exportSeveral = async (admin: AdminClient, input: Input, scope: Scope): Promise<void> => {
  const { out } = admin.session;
  const path = input.text('out') ?? '';
  const { accounts, entries, leaves } = await writeExportFolder(admin, path, scope);
  out.result({ format: 'ndjson', folder: path, accounts, entries, leaves }, () =>
    [
      `${out.style.good('written')}  ${entries} entries of ${counted(accounts.length, 'account')} to ${path}`,
      ...(leaves > 0
        ? []
        : [
            sentence(
              out,
              'The gateway has no transparency log of these accounts: nothing shows that no entry is missing at the end.',
            ),
          ]),
      out.style.dim(`\`countersign audit verify ${path}\` verifies the logs offline`),
    ].join('\n'),
  );
};

/** Calls and denials as one table. */
const exportTable = async (
  admin: AdminClient,
  input: Input,
  scope: Scope,
  format: Exclude<Format, 'ndjson'>,
): Promise<void> => {
  const { session } = admin;
  const { out } = session;
  const tool = input.text('tool');
  const filter = {
    ...timeRangeIn(input, session.now()),
    ...(tool === undefined ? {} : { tool }),
    onlyDenied: input.flag('denied'),
  };
  const parquet = format === 'parquet' ? await import('./parquet.ts') : undefined;
  await parquet?.loadDuckDb();
  const accounts = await exportedAccounts(admin, scope);
  const pages = callTable(admin, accounts, filter);
  const path = input.text('out');
  if (path === undefined || path === '-') {
    await toStdout(admin, pages);
    return;
  }
  const csv = parquet === undefined ? path : `${path}.${process.pid}.csv`;
  const { lines } = await writePages(session, csv, pages);
  if (parquet !== undefined) {
    try {
      await session.progress.during('writing Parquet', async () => parquet.writeParquet(csv, path));
    } finally {
      await rm(csv, { force: true });
    }
  }
  // The first line holds the column names.
  const rows = lines - 1;
  out.result({ ...idOf(accounts), format, file: path, rows }, () =>
    sentence(
      out,
      `${out.style.good('written')}  ${counted(rows, 'row')} of ${counted(accounts.length, 'account')} to ${path}`,
    ),
  );
};

const idOf = (accounts: readonly ExportedAccount[]) => ({
  accounts: accounts.map(({ account }) => account),
});
