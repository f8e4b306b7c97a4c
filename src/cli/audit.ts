import * as z from 'zod/mini';
import type { Signatures, Unsigned, VerifiedLog } from '../audit/verify/signatures.ts';
import type { Broken } from '../audit/run.ts';
import type { Hex } from '../core/hex.ts';
import type { Result } from '../core/result.ts';
import { prove } from './audit/prove.ts';
import { verifyProof } from './audit/verify-proof.ts';
import { accountNamed, namesOf } from './lib/accounts.ts';
import { openAdmin, roleOf } from './lib/admin-client.ts';
import { writePages } from './lib/atomic-file.ts';
import { ACCOUNT, AS_OPERATOR, type Command, type CommandGroup } from './lib/command.ts';
import { CliError } from './lib/errors.ts';
import { hashIn, textFile } from './lib/input.ts';
import { proseWidth } from './lib/print.ts';
import { counted, fields } from './lib/text.ts';
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

const MAX_LOG = 400 * 1024 * 1024;

const verify: Command = {
  summary: 'verify an exported log offline: no entry altered, every one signed',
  arguments: [{ syntax: '<file>', summary: 'exported log; - for stdin' }],
  options: [
    { flags: '--head <hash>', summary: 'hash of the last entry, e.g. the `entry` of a receipt' },
  ],
  examples: ['countersign audit verify alice.ndjson'],
  run: async (session, input) => {
    const { out } = session;
    const given = input.text('head');
    const head =
      given === undefined
        ? undefined
        : hashIn(given, 'a hash for --head', 'e.g. the `entry` of a receipt');
    const text = await textFile(session, input.arguments[0] ?? '', MAX_LOG);
    const verified = await session.progress.during('verifying', async () => verifyText(text, head));
    if (!verified.ok) throw brokenError(verified.error);
    const { account, first, last, hash, signatures } = verified.value;
    const { recomputed, byChain, sealed, outside } = signatures;
    const document = { recomputed, by_chain: byChain, sealed, outside };
    out.result(
      { verified: true, account, first, last, hash, whole: first === 1, signatures: document },
      () =>
        [
          `${out.style.good('verified')}  every entry is unaltered and signed`,
          fields(
            [
              ['account', account],
              ['entries', `${first} to ${last}`],
              ['head', hash],
              [
                'from',
                first === 1 ? 'the beginning' : 'the middle; earlier entries are not in the file',
              ],
              ['signatures', signaturesText(signatures)],
              ['contracts', byChain.length === 0 ? undefined : contractsText(signatures)],
              [
                'last',
                head === undefined
                  ? 'no later entry vouches for the last one; give --head with a hash that you know'
                  : undefined,
              ],
            ],
            out.style.dim,
            proseWidth(out),
          ),
        ].join('\n'),
    );
  },
};

/** Imports the verifier when it runs: `audit export` needs none of its code. */
const verifyText = async (
  text: string,
  lastHash: Hex | undefined,
): Promise<Result<VerifiedLog, Broken | Unsigned>> => {
  const { readLog } = await import('../audit/run.ts');
  const { verifySignedRun } = await import('../audit/verify/signatures.ts');
  const read = readLog(text);
  return read.ok
    ? await verifySignedRun(read.value, lastHash === undefined ? {} : { lastHash })
    : read;
};

const signaturesText = ({ recomputed, sealed, outside }: Signatures): string =>
  [
    `${recomputed} recomputed`,
    ...(sealed === 0 ? [] : [`${sealed} by digest only: payments that are open or were released`]),
    ...(outside === 0 ? [] : [`${outside} of payments accepted before this file begins`]),
  ].join('; ');

const MAX_SHOWN = 8;

const contractsText = ({ byChain }: Signatures): string => {
  const shown = byChain
    .slice(0, MAX_SHOWN)
    .map(({ seq, block }) => `entry ${seq} at block ${block}`);
  const more = byChain.length - shown.length;
  return [
    `the chain vouched for ${byChain.length}, which an offline check cannot recompute (ERC-1271): ${shown.join(', ')}`,
    ...(more === 0 ? [] : [`${more} more with --json`]),
  ].join('; ');
};

const WHY: Readonly<Record<(Broken | Unsigned)['reason'], string>> = {
  empty: 'The file holds no entry.',
  malformed: 'A line is not an entry.',
  account: 'An entry belongs to another account.',
  seq: 'Entries are missing, repeated or out of order.',
  unlinked: 'An entry does not name the hash of the entry before it.',
  altered: 'An entry changed after it was written.',
  unsigned: 'An entry lacks a signature, or its signature does not verify.',
};

const brokenError = (broken: Broken | Unsigned): CliError => {
  const { index, seq, reason, ...more } = broken;
  return new CliError(`The log does not verify. ${WHY[reason]}`, {
    hint: 'Export the log again and compare. Keep this file: it may be evidence.',
    code: 'log_broken',
    details: { line: index + 1, seq, reason, ...more },
  });
};

export const group: CommandGroup = {
  examples: [
    'countersign audit export team/alice -o alice.ndjson',
    'countersign audit verify alice.ndjson',
  ],
  commands: { export: exportLog, verify, prove, 'verify-proof': verifyProof },
};
