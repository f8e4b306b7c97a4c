import { accountNamed, namesOf } from '../lib/account-names.ts';
import { openAdmin, roleOf } from '../lib/admin-client.ts';
import { writePages } from '../lib/atomic-file.ts';
import { ACCOUNT, AS_OPERATOR, defineCommand } from '../lib/command.ts';
import { counted } from '../lib/text.ts';

export const command = defineCommand({
  summary: 'export the audit log of an account, or its calls as CSV',
  arguments: [ACCOUNT],
  options: [
    { flags: '-o, --out <file>', summary: 'write to this file (default: stdout)' },
    {
      flags: '--format <format>',
      summary: 'ndjson: each entry as it was hashed; csv: one row a call (default: ndjson)',
      choices: ['ndjson', 'csv'],
    },
    AS_OPERATOR,
  ],
  shared: ['gateway', 'signer'],
  run: async (session, input) => {
    const { out } = session;
    const format = input.text('format') === 'csv' ? 'csv' : 'ndjson';
    const admin = await openAdmin(session, roleOf(input));
    const account = await accountNamed(admin, input.arguments[0] ?? '');
    const pages =
      format === 'csv'
        ? admin.export('account.calls', { params: { account }, query: { format, limit: 500 } })
        : admin.export('account.entries', { params: { account }, query: { format, limit: 500 } });
    const path = input.text('out');
    if (path === undefined || path === '-') {
      const encoder = new TextEncoder();
      for await (const page of pages) await out.bytes(encoder.encode(page));
      return;
    }
    const { lines, bytes } = await writePages(session, path, pages);
    // The first line of CSV holds the column names.
    const rows = format === 'csv' ? Math.max(0, lines - 1) : lines;
    const names = await namesOf(session);
    const what =
      format === 'csv' ? counted(rows, 'call') : rows === 1 ? '1 entry' : `${rows} entries`;
    out.result({ account, format, file: path, rows, bytes }, () =>
      [
        `${out.style.good('written')}  ${what} of ${names.of(account)} to ${path}`,
        ...(format === 'csv'
          ? []
          : [out.style.dim(`\`countersign audit verify ${path}\` verifies the log offline`)]),
      ].join('\n'),
    );
  },
});
