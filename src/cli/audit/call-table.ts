import { createReadStream, rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { csvLine } from '../../core/csv.ts';
import type { Entry } from '../../protocol/entry.ts';
import type { AdminClient } from '../lib/admin-client.ts';
import { writePages } from '../lib/atomic-file.ts';
import type { TimeRange } from '../lib/time.ts';
import { CALL_TABLE, cellsOf, rowOf } from './call-columns.ts';
import {
  createAfterwards,
  createCallLedger,
  type LedgerCall,
  type LedgerDenial,
} from './call-ledger.ts';
import type { ExportedAccount } from './exported-accounts.ts';
import { entryIn, logPages } from './log-pages.ts';

/** Which rows a table has. The range is that of acceptance or denial. */
export type RowFilter = TimeRange & {
  readonly tool?: string;
  readonly onlyDenied: boolean;
};

type Line = LedgerCall | LedgerDenial;

/**
 * The calls and denials of accounts as CSV, one page a chunk, with a header line. Reads each log twice, from a file that it deletes: events
 * after the end of a call belong to that call's row, and the memory must not grow with the log.
 *
 * @throws CliError
 */
export async function* callTable(
  admin: AdminClient,
  accounts: readonly ExportedAccount[],
  filter: RowFilter,
): AsyncGenerator<string> {
  yield csvLine(Object.keys(CALL_TABLE));
  for (const { account, label } of accounts) {
    for await (const line of linesOfAccount(admin, { account }))
      if (isWanted(line, filter)) yield csvLine(cellsOf(rowOf(line, label)));
  }
}

/** The calls and denials of one account, in the order in which they ended. @throws CliError */
async function* linesOfAccount(
  admin: AdminClient,
  { account }: ExportedAccount,
): AsyncGenerator<Line> {
  const { signal } = admin.session;
  const folder = await mkdtemp(join(tmpdir(), 'countersign-export-'));
  const discard = (): void => rmSync(folder, { recursive: true, force: true });
  // Ctrl-C ends the process without returning here.
  signal.addEventListener('abort', discard, { once: true });
  try {
    const file = join(folder, 'log.ndjson');
    await writePages(admin.session, file, logPages(admin, account));
    const afterwards = createAfterwards();
    for await (const entry of entriesIn(file)) afterwards.see(entry);
    const ledger = createCallLedger(account, afterwards.of);
    for await (const entry of entriesIn(file)) yield* ledger.see(entry);
    yield* ledger.end();
  } finally {
    signal.removeEventListener('abort', discard);
    await rm(folder, { recursive: true, force: true });
  }
}

async function* entriesIn(file: string): AsyncGenerator<Entry> {
  const lines = createInterface({ input: createReadStream(file), crlfDelay: Infinity });
  for await (const line of lines) yield entryIn(line);
}

const isWanted = (
  { kind, entry }: Line,
  { from = 0, to = Number.POSITIVE_INFINITY, tool, onlyDenied }: RowFilter,
): boolean =>
  entry.at >= from &&
  entry.at < to &&
  (tool === undefined || entry.tool === tool) &&
  (!onlyDenied || kind === 'denial');
