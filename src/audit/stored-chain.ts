import type { AccountId } from '../protocol/account-id.ts';
import type { Hex } from '../core/hex.ts';
import type { AccountRow } from './account-row.ts';
import type { Status } from '../protocol/account/command.ts';
import type { ChainHead, Entry } from '../protocol/entry.ts';
import { decodeChunk, readStoredChunk } from './read-chunk.ts';
import { GENESIS } from './entry.ts';

/** The head of an account's stored chain, and its row in `accounts`, which does not exist before the first chunk. */
export type StoredHead = { readonly head: ChainHead; readonly row?: AccountRow };

type StandingRow = {
  readonly seq: number;
  readonly hash: Hex;
  readonly parent: AccountId | null;
  readonly above: string;
  readonly label: string | null;
  readonly named_by: AccountRow['namedBy'] | null;
  readonly status: Status;
  readonly operator_status: Status;
  readonly first_at: number;
  readonly changed: number;
};

/**
 * One statement reads both: with a row older than the head, a chunk would count for former ancestors. A newer row is harmless, because the
 * insert of the chunk then fails.
 */
const STANDING = `
SELECT head.seq, head.hash, a.parent, a.above, a.label, a.named_by, a.status, a.operator_status, a.first_at, a.seq AS changed
FROM (
  SELECT last_seq AS seq, last_hash AS hash FROM (
    SELECT * FROM (SELECT last_seq, last_hash FROM chunks WHERE account = ?1 ORDER BY first_seq DESC LIMIT 1)
    UNION ALL SELECT last_seq, last_hash FROM archived WHERE account = ?1
  ) ORDER BY last_seq DESC LIMIT 1
) head JOIN accounts a ON a.account = ?1`;

export const loadStoredHead = async (db: D1Database, account: AccountId): Promise<StoredHead> => {
  const row = await db.prepare(STANDING).bind(account).first<StandingRow>();
  if (row === null) return { head: GENESIS };
  return {
    head: { seq: row.seq, hash: row.hash },
    row: {
      parent: row.parent ?? undefined,
      ancestors: JSON.parse(row.above) as AccountId[],
      label: row.label ?? undefined,
      namedBy: row.named_by ?? undefined,
      status: row.status,
      operatorStatus: row.operator_status,
      firstAt: row.first_at,
      seq: row.changed,
    },
  };
};

/** Reads the stored chunk with this seq; undefined if it is not stored (any more). */
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

/** Compressed bytes of one read, at most; at least one chunk. */
const MAX_BYTES = 131_072;
/** Chunks of one read, at most. */
const MAX_CHUNKS = 256;

/** Stored entries of an account, consecutive. */
export type StoredRun = {
  readonly entries: readonly Entry[];
  /** The last seq that was read. */
  readonly last: number;
  /** The requested range has more entries. */
  readonly more: boolean;
  /** They come from R2, because D1 has forgotten them. */
  readonly archived?: boolean;
};

/** Sums the sizes first, so that D1 does not read the bodies beyond the limit. */
const RUN = `
WITH sized AS MATERIALIZED (
  SELECT first_seq, sum(length(body)) OVER (ORDER BY first_seq) - length(body) AS before
  FROM chunks
  WHERE account = ?1 AND first_seq <= ?3 AND first_seq >= coalesce(
    (SELECT first_seq FROM chunks WHERE account = ?1 AND first_seq <= ?2 ORDER BY first_seq DESC LIMIT 1), 0)
  ORDER BY first_seq LIMIT ?4
)
SELECT chunks.last_seq, chunks.body, (SELECT count(*) FROM sized) AS found
FROM sized CROSS JOIN chunks ON chunks.account = ?1 AND chunks.first_seq = sized.first_seq
WHERE sized.before < ?5`;

type RunRow = { readonly last_seq: number; readonly body: number[]; readonly found: number };

/** Reads stored entries from `from` to `to`, as many as one read returns. */
export const loadRun = async (
  db: D1Database,
  account: AccountId,
  from: number,
  to: number,
): Promise<StoredRun> => {
  const { results } = await db
    .prepare(RUN)
    .bind(account, from, to, MAX_CHUNKS, MAX_BYTES)
    .all<RunRow>();
  // Sorted here, because SQLite would copy the bodies to sort them.
  const inOrder = results.toSorted((a, b) => a.last_seq - b.last_seq);
  const entries: Entry[] = [];
  for (const { body } of inOrder) entries.push(...(await readStoredChunk(Uint8Array.from(body))));
  const last = inOrder.at(-1)?.last_seq ?? to;
  const found = results[0]?.found ?? 0;
  return {
    entries: entries.filter(({ seq }) => seq >= from && seq <= to),
    last: Math.min(last, to),
    more: last < to && (found > results.length || found === MAX_CHUNKS),
  };
};
