import type { AccountId } from '../protocol/account-id.ts';
import { readStoredChunk } from './chunk.ts';
import type { Entry } from '../protocol/entry.ts';

/** Compressed bytes of chunks that are read at once, at most (and one chunk at least). */
const MAX_BYTES = 131_072;
/** Chunks that are read at once, at most. */
const MAX_CHUNKS = 256;

/** Some stored entries of an account, consecutive unless chunks between are archived and deleted. */
export type Run = {
  readonly entries: readonly Entry[];
  /** Up to where the chain was read. */
  readonly last: number;
  /** Whether there is more of what was asked for behind it. */
  readonly more: boolean;
};

/** Sizes come from the heads of the rows: bodies that are not taken are not read. */
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

type Row = { readonly last_seq: number; readonly body: number[]; readonly found: number };

/** Reads stored entries `from` … `to`, as many as may be read at once. */
export const loadRun = async (
  db: D1Database,
  account: AccountId,
  from: number,
  to: number,
): Promise<Run> => {
  const { results } = await db
    .prepare(RUN)
    .bind(account, from, to, MAX_CHUNKS, MAX_BYTES)
    .all<Row>();
  // Sorted here: SQLite would move the bodies.
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
