import { archivedEntriesOf } from '../audit/archive/archived-entries.ts';
import { findArchivedCall } from '../audit/archive/archived-calls.ts';
import { loadChunk, loadRun } from '../audit/stored-chain.ts';
import type { Hex } from '../core/hex.ts';
import { ok } from '../core/result.ts';
import { type CallItem, callItemOf, type CallRow, loadCall } from './call-row.ts';
import { type DeadLetterItem, deadLettersOfCall } from './dead-letter.ts';
import { attempt, type Queried } from './page.ts';
import { type Trouble, TROUBLE_COLUMNS, troubleOf, type TroubleRow } from './settlement-body.ts';
import type { AccountId } from '../protocol/account-id.ts';
import type { Entry } from '../protocol/entry.ts';

/** Everything that D1 and the archive have about one call and its payment. */
export type Story = {
  readonly call: CallItem;
  /** Newest first. */
  readonly attempts: readonly Trouble[];
  /** Newest first. */
  readonly deadLetters: readonly DeadLetterItem[];
  /** Its entries in the order of the chain. */
  readonly entries: readonly Entry[];
  /** False if some entries are too far apart for one read, or cannot be read. */
  readonly complete: boolean;
};

/** Reads the story of a call; undefined if neither D1 nor the archive has a call with this id. */
export const settlementStory = (
  db: D1Database,
  account: AccountId,
  call: Hex,
  bucket?: R2Bucket,
): Queried<Story | undefined> =>
  attempt(async () => {
    const [stored, { results: tried }, deadLetters] = await Promise.all([
      loadCall(db, account, call),
      db.prepare(ATTEMPTS).bind(account, call).all<TroubleRow>(),
      deadLettersOfCall(db, account, call),
    ]);
    const row = stored ?? (bucket && (await findArchivedCall<CallRow>(db, bucket, account, call)));
    if (row === undefined) return ok(undefined);
    const item = callItemOf(row);
    const run = await entriesOf(db, row, item.isOpen, bucket);
    return ok({
      call: item,
      attempts: tried.flatMap((each) => troubleOf(each) ?? []),
      deadLetters,
      ...run,
    });
  });

const ATTEMPTS = `SELECT ${TROUBLE_COLUMNS} FROM attempts t WHERE t.account = ?1 AND t.call = ?2 ORDER BY t.attempt DESC`;

/** Entries to read after the last known one of an open payment: commands about it may be among them. */
const AFTERMATH = 2_000;

/** Reads the entries from the acceptance on, as many as one read returns, then those that the rows name. */
const entriesOf = async (
  db: D1Database,
  row: CallRow,
  isOpen: boolean,
  bucket: R2Bucket | undefined,
): Promise<Pick<Story, 'entries' | 'complete'>> => {
  const named = [row.first_seq, row.seq, row.payment_seq ?? row.seq];
  const first = Math.min(...named);
  const last = Math.max(...named);
  const run = await loadRun(db, row.account, first, isOpen ? last + AFTERMATH : last);
  const missed = [...new Set(named)].filter((seq) => seq > run.last);
  const chunks = await Promise.all(missed.map((seq) => loadChunk(db, row.account, seq)));
  const isArchived = run.entries[0]?.seq !== first;
  const archived =
    bucket && isArchived ? await archivedEntriesOf(db, bucket, row.account, row.call) : [];
  const found = [...archived, ...run.entries, ...chunks.flatMap((entries) => entries ?? [])];
  const own = new Map(
    found.filter(({ call }) => call === row.call).map((each) => [each.seq, each]),
  );
  return {
    entries: [...own.values()].toSorted((a, b) => a.seq - b.seq),
    complete: (missed.length === 0 || isArchived) && named.every((seq) => own.has(seq)),
  };
};
