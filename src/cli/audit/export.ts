import type { Input } from '../lib/command.ts';
import { openAdmin, roleOf } from '../lib/admin-client.ts';
import { writeWhole } from '../lib/whole-file.ts';
import { accountNamed, namesOf } from '../lib/account-names.ts';
import type { Session } from '../lib/session.ts';
import { counted } from '../lib/text.ts';

/** `audit export`: the log of an account as it was hashed, or its calls as a table, into a file that is there whole or not at all. */
export const exportLog = async (session: Session, input: Input): Promise<void> => {
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
  const { lines, bytes } = await writeWhole(session, path, pages);
  const rows = format === 'csv' ? Math.max(0, lines - 1) : lines;
  const names = await namesOf(session);
  out.result({ account, format, file: path, rows, bytes }, () =>
    [
      `${out.style.good('written')}  ${format === 'csv' ? counted(rows, 'call') : rows === 1 ? '1 entry' : `${rows} entries`} of ${names.of(account)} to ${path}`,
      ...(format === 'csv'
        ? []
        : [out.style.dim(`\`countersign audit verify ${path}\` verifies them, offline`)]),
    ].join('\n'),
  );
};
