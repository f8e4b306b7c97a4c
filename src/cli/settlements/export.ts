import { collected, openAdmin } from '../lib/admin-client.ts';
import { writePages } from '../lib/atomic-file.ts';
import { defineCommand } from '../lib/command.ts';
import { counted } from '../lib/text.ts';
import { dayIn } from '../lib/times.ts';

export const command = defineCommand({
  summary: 'export revenue, costs and credit by day as CSV, as operator',
  options: [
    { flags: '--from <day>', summary: 'first day of UTC (default: 30 days ago)' },
    { flags: '--to <day>', summary: 'last day of UTC (default: today)' },
    { flags: '-o, --out <file>', summary: 'write to this file (default: stdout)' },
  ],
  shared: ['gateway', 'signer'],
  run: async (session, input) => {
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
    const { lines, bytes } = await writePages(session, path, pages);
    // The first line holds the column names.
    const rows = Math.max(0, lines - 1);
    out.result(
      { format: 'csv', file: path, rows, bytes },
      () => `${out.style.good('written')}  ${counted(rows, 'line')} to ${path}`,
    );
  },
});
