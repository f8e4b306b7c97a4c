import type { Seconds } from '../../core/clock.ts';
import type { Hex } from '../../core/hex.ts';
import type { AccountId } from '../../protocol/account-id.ts';
import { MAX_CHUNK_TEXT } from '../chunk.ts';
import { readGzip } from './gzip-sections.ts';

/** A stored chunk without its body. */
export type ChunkRow = {
  readonly account: AccountId;
  readonly first_seq: number;
  readonly last_seq: number;
  readonly last_hash: Hex;
  readonly bytes: number;
  /** The last seq of its account that is archived. */
  readonly archived: number;
};

/** Accounts that one statement reads, and chunks that it returns. */
const ACCOUNTS = 5_000;
const CHUNKS = 1_000;
/** Compressed bytes of one read of bodies: D1 returns a byte as up to four characters. */
const BODIES = 262_144;

/**
 * The last archived seq of each account in a batch. If there is none, the seq before the account's first stored chunk, because an operator
 * may have archived earlier chunks by hand.
 */
const HEADS = `
WITH batch AS MATERIALIZED (SELECT account FROM accounts WHERE account >= ?1 ORDER BY account LIMIT ${ACCOUNTS}),
heads AS MATERIALIZED (
  SELECT account, coalesce(
    (SELECT r.last_seq FROM archived_ranges r WHERE r.account = batch.account ORDER BY r.first_seq DESC LIMIT 1),
    (SELECT c.first_seq - 1 FROM chunks c WHERE c.account = batch.account ORDER BY c.first_seq LIMIT 1)) AS archived
  FROM batch
)
SELECT c.account, c.first_seq, c.last_seq, c.last_hash, length(c.body) AS bytes, heads.archived
FROM heads CROSS JOIN chunks c ON c.account = heads.account`;

/** Which chunks a walk returns: those that are not archived yet, or those that are. */
const WANTED = {
  due: 'c.first_seq > heads.archived',
  archived: 'c.last_seq <= heads.archived',
} as const;

/**
 * Walks the chunks that D1 stored before a time, by account and seq, from an account on. Neither walk needs an index on the time, which would
 * cost every chunk a row.
 */
export async function* walkChunks(
  db: D1Database,
  which: keyof typeof WANTED,
  from: string,
  before: Seconds,
): AsyncGenerator<ChunkRow> {
  let account = from;
  let seq = 0;
  for (;;) {
    // No ORDER BY: the loops already return this order, and sorting would read all chunks of the batch first.
    const [page, batch] = (await db.batch([
      db
        .prepare(
          `${HEADS} AND ${WANTED[which]} WHERE c.at < ?2 AND (c.account > ?1 OR c.first_seq > ?3) LIMIT ${CHUNKS}`,
        )
        .bind(account, before, seq),
      db
        .prepare(
          `SELECT max(account) AS last, count(*) AS count FROM (SELECT account FROM accounts WHERE account >= ?1 ORDER BY account LIMIT ${ACCOUNTS})`,
        )
        .bind(account),
    ])) as [D1Result<ChunkRow>, D1Result<{ readonly last: string; readonly count: number }>];
    for (const row of page.results) {
      if (row.account < account || (row.account === account && row.first_seq <= seq))
        throw new Error('D1 returned chunks out of order.');
      [account, seq] = [row.account, row.first_seq];
      yield row;
    }
    const walked = batch.results[0];
    if (page.results.length === CHUNKS) continue;
    if (walked === undefined || walked.count < ACCOUNTS) return;
    [account, seq] = [walked.last, Number.MAX_SAFE_INTEGER];
  }
}

/** Reads the text of chunks, a few bodies at a time, in order. @throws Error for a chunk that is gone or is not gzip */
export async function* withTexts(
  db: D1Database,
  chunks: AsyncIterable<ChunkRow>,
): AsyncGenerator<readonly [ChunkRow, string]> {
  let group: ChunkRow[] = [];
  let size = 0;
  for await (const chunk of chunks) {
    if (size + chunk.bytes > BODIES && group.length > 0) {
      yield* textsOf(db, group);
      group = [];
      size = 0;
    }
    group.push(chunk);
    size += chunk.bytes;
  }
  if (group.length > 0) yield* textsOf(db, group);
}

async function* textsOf(
  db: D1Database,
  group: readonly ChunkRow[],
): AsyncGenerator<readonly [ChunkRow, string]> {
  const keys = group.map(({ account, first_seq }) => [account, first_seq]);
  const { results } = await db
    .prepare(
      `SELECT c.account, c.first_seq, c.body FROM json_each(?1) k
       CROSS JOIN chunks c ON c.account = k.value ->> 0 AND c.first_seq = k.value ->> 1`,
    )
    .bind(JSON.stringify(keys))
    .all<{ readonly account: string; readonly first_seq: number; readonly body: number[] }>();
  const bodies = new Map(
    results.map(({ account, first_seq, body }) => [`${account} ${first_seq}`, body]),
  );
  for (const row of group) {
    const body = bodies.get(`${row.account} ${row.first_seq}`);
    if (body === undefined) throw new Error('A chunk disappeared while it was archived.');
    yield [row, readGzip(Uint8Array.from(body), MAX_CHUNK_TEXT)];
  }
}
