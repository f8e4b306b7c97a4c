import * as z from 'zod/mini';
import { prove } from './audit/prove.ts';
import { verify } from './audit/verify.ts';
import { verifyProof } from './audit/verify-proof.ts';
import { accountNamed, namesOf } from './lib/accounts.ts';
import { openAdmin, roleOf } from './lib/admin-client.ts';
import { writePages } from './lib/atomic-file.ts';
import { ACCOUNT, AS_OPERATOR, type Command, type CommandGroup } from './lib/command.ts';
import { counted } from './lib/text.ts';
import { type TimeRange, timeRange, timeRangeIn } from './lib/time.ts';

const exportLog: Command = {
  summary: 'export the audit log of an account, or its calls as CSV',
  arguments: [ACCOUNT],
  options: [
    { flags: '-o, --out <file>', summary: 'write to this file (default: stdout)' },
    {
      flags: '--format <format>',
      summary: 'ndjson: every entry, to verify; csv: one row a call (default: ndjson)',
      choices: ['ndjson', 'csv'],
    },
    ...timeRange('the first entry'),
    AS_OPERATOR,
  ],
  shared: ['gateway', 'signer'],
  examples: [
    'countersign audit export team/alice -o alice.ndjson',
    'countersign audit export team/alice --format csv --from 30d -o alice.csv',
  ],
  run: async (session, input) => {
    const { out } = session;
    const format = input.text('format') === 'csv' ? 'csv' : 'ndjson';
    const admin = await openAdmin(session, roleOf(input));
    const range = timeRangeIn(input, session.now());
    const account = await accountNamed(admin, input.arguments[0] ?? '');
    const params = { account };
    const pages =
      format === 'csv'
        ? admin.export('account.calls', { params, query: { format, limit: 500, ...range } })
        : entriesBetween(
            admin.export('account.entries', { params, query: { format, limit: 500 } }),
            range,
          );
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
};

const atSchema = z.looseObject({ at: z.int() });

/** The lines of a log from the first entry in the range up to the first one after it: without a gap, or the chain would not verify. */
export async function* entriesBetween(
  pages: AsyncIterable<string>,
  { from = 0, to = Number.POSITIVE_INFINITY }: TimeRange,
): AsyncGenerator<string> {
  let begun = false;
  for await (const page of pages) {
    const kept: string[] = [];
    for (const line of page.split('\n').filter((each) => each !== '')) {
      const { at } = z.parse(atSchema, JSON.parse(line));
      if (at >= to) {
        if (kept.length > 0) yield kept.join('');
        return;
      }
      begun ||= at >= from;
      if (begun) kept.push(`${line}\n`);
    }
    if (kept.length > 0) yield kept.join('');
  }
}

export const group: CommandGroup = {
  examples: [
    'countersign audit export team/alice -o alice.ndjson',
    'countersign audit verify alice.ndjson',
  ],
  commands: { export: exportLog, verify, prove, 'verify-proof': verifyProof },
};
