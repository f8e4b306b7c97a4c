import type { Seconds } from '../core/clock.ts';
import type { AccountId } from '../protocol/account-id.ts';

/** The clocks of an account and of the consumer that stores its entries differ by less than this. */
export const CLOCKS: Seconds = 300;

/**
 * Finds a seq of an account up to which every entry is older than a time, by binary search, because a log has no index on the time, which
 * would cost every chunk a row. A chunk is never stored before its entries are written; for an archived range the gateway keeps the day.
 *
 * @returns 0 if there may be no such seq
 */
export const seqBefore = async (
  db: D1Database,
  account: AccountId,
  time: Seconds,
): Promise<number> =>
  (await db
    .prepare(SEARCH)
    .bind(account, time - CLOCKS)
    .first<number>('seq')) ?? 0;

const MIDDLE = '(step.low + step.high) / 2';

/** The place in `table` with the middle seq, or the place before it. */
const at = (table: 'chunks' | 'archived_ranges'): string =>
  `(SELECT first_seq FROM ${table} WHERE account = ?1 AND first_seq <= ${MIDDLE} ORDER BY first_seq DESC LIMIT 1)`;

const IS_BEFORE = `coalesce(c.at, unixepoch(r.day) + 86400, 0) < ?2`;

/** Each step halves the seqs between `low`, which is before the time, and `high`. Seqs that are stored nowhere count as before it. */
const SEARCH = `
WITH RECURSIVE search(low, high) AS (
  SELECT 0, 1 + coalesce((SELECT last_seq FROM chunks WHERE account = ?1 ORDER BY first_seq DESC LIMIT 1),
    (SELECT last_seq FROM archived_ranges WHERE account = ?1 ORDER BY first_seq DESC LIMIT 1), 0)
  UNION ALL
  SELECT iif(${IS_BEFORE}, max(${MIDDLE}, coalesce(c.last_seq, r.last_seq, 0)), step.low),
    iif(${IS_BEFORE}, step.high, min(${MIDDLE}, coalesce(c.first_seq, r.first_seq)))
  FROM search step
  LEFT JOIN chunks c ON c.account = ?1 AND c.first_seq = ${at('chunks')}
  LEFT JOIN archived_ranges r ON c.account IS NULL AND r.account = ?1 AND r.first_seq = ${at('archived_ranges')}
  WHERE step.low + 1 < step.high
)
SELECT max(low) AS seq FROM search`;
