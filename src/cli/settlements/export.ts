import type { Input } from '../lib/command.ts';
import { usageError } from '../lib/errors.ts';
import { collected, openAdmin } from '../lib/admin-client.ts';
import { writeWhole } from '../lib/whole-file.ts';
import type { Session } from '../lib/session.ts';

/** `settlements export`: the books as a table, day by day; with `--json` and no file as one document. */
export const exportBooks = async (session: Session, input: Input): Promise<void> => {
  const { out } = session;
  const [from, to] = [dayIn(input.text('from'), '--from'), dayIn(input.text('to'), '--to')];
  const days = { ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) };
  const admin = await openAdmin(session, 'operator');
  const path = input.text('out');
  if (out.json && path === undefined) {
    const lines = await collected(admin, admin.list('books', { query: days }));
    return out.result({ lines }, () => '');
  }
  const pages = admin.export('books', { query: { ...days, format: 'csv' } });
  if (path === undefined || path === '-') {
    const encoder = new TextEncoder();
    for await (const page of pages) await out.bytes(encoder.encode(page));
    return;
  }
  const { lines, bytes } = await writeWhole(session, path, pages);
  // The first line is its head.
  const rows = Math.max(0, lines - 1);
  out.result(
    { format: 'csv', file: path, rows, bytes },
    () =>
      `${out.style.good('written')}  ${rows === 1 ? '1 line' : `${rows} lines`} of the books to ${path}`,
  );
};

const dayIn = (text: string | undefined, flag: string): string | undefined => {
  if (text === undefined || /^[0-9]{4}-[0-9]{2}-[0-9]{2}$/.test(text)) return text;
  throw usageError(`${flag} takes a day.`, 'Give a day of UTC, as 2026-11-25.');
};
