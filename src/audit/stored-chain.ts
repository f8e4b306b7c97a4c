import type { AccountId } from '../protocol/account-id.ts';
import type { Hex } from '../core/hex.ts';
import { type AccountRow, newRow, rowAfter } from './account-row.ts';
import type { Status } from '../protocol/account/status.ts';
import { decodeChunk } from './chunk.ts';
import { GENESIS } from './entry.ts';
import { type ChainHead, type Entry } from '../protocol/entry.ts';
import { loadRun } from './run.ts';

/** Where the stored chain of an account stands, and what it has said of the account. */
export type Standing = {
  readonly head: ChainHead;
  /** Missing before the first chunk. */
  readonly row?: AccountRow;
  /** Whether that is what stands in `accounts`. */
  readonly isStored: boolean;
};

type StandingRow = {
  readonly seq: number | null;
  readonly hash: Hex;
  readonly above: string | null;
  readonly label: string | null;
  readonly status: Status;
  readonly operator_status: Status;
  readonly first_at: number | null;
  readonly changed: number;
};

/**
 * One statement: were the row older than the head, a chunk could be counted for who is no longer above. A row that is newer does no harm:
 * the chunk's insert is then refused.
 */
const STANDING = `
SELECT head.seq, head.hash, a.above, a.label, a.status, a.operator_status, a.first_at, a.seq AS changed
FROM (SELECT 1) LEFT JOIN (
  SELECT last_seq AS seq, last_hash AS hash FROM (
    SELECT * FROM (SELECT last_seq, last_hash FROM chunks WHERE account = ?1 ORDER BY first_seq DESC LIMIT 1)
    UNION ALL SELECT last_seq, last_hash FROM archived WHERE account = ?1
  ) ORDER BY last_seq DESC LIMIT 1
) head LEFT JOIN accounts a ON a.account = ?1`;

export const loadStanding = async (db: D1Database, account: AccountId): Promise<Standing> => {
  const row = await db.prepare(STANDING).bind(account).first<StandingRow>();
  const head = row === null || row.seq === null ? GENESIS : { seq: row.seq, hash: row.hash };
  if (head.seq === 0) return { head, isStored: false };
  // A release before this table stored the chunks.
  if (row === null || row.above === null || row.first_at === null) {
    return { head, row: await reread(db, account, head.seq), isStored: false };
  }
  return {
    head,
    row: {
      above: JSON.parse(row.above) as AccountId[],
      label: row.label ?? undefined,
      status: row.status,
      operatorStatus: row.operator_status,
      firstAt: row.first_at,
      seq: row.changed,
    },
    isStored: true,
  };
};

/** Reads of a chain that may be read again to learn about its account, at most: beyond that, what is known by then must do. */
const MOST_RUNS = 32;

/** What a stored chain says of its account, read again from the beginning: for chains older than the table. Once, then the row is there. */
const reread = async (db: D1Database, account: AccountId, head: number): Promise<AccountRow> => {
  let row: AccountRow | undefined;
  let from = 1;
  for (let runs = 0; runs < MOST_RUNS; runs += 1) {
    const { entries, last, more } = await loadRun(db, account, from, head);
    for (const entry of entries) row = rowAfter(row ?? newRow(entry.at), entry);
    if (!more) break;
    from = last + 1;
  }
  return row ?? newRow(0);
};

/** The entries of the stored chunk that holds `seq`; undefined when it is archived and deleted, or was never stored. */
export const loadChunk = async (
  db: D1Database,
  account: AccountId,
  seq: number,
): Promise<readonly Entry[] | undefined> => {
  const row = await db
    .prepare(
      'SELECT body FROM chunks WHERE account = ?1 AND first_seq <= ?2 ORDER BY first_seq DESC LIMIT 1',
    )
    .bind(account, seq)
    .first<{ body: number[] }>();
  const decoded = row === null ? undefined : await decodeChunk(Uint8Array.from(row.body));
  return decoded?.ok === true && (decoded.value.at(-1)?.seq ?? 0) >= seq
    ? decoded.value
    : undefined;
};
