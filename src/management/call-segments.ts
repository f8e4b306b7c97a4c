import type { Seconds } from '../core/clock.ts';
import type { AccountId } from '../protocol/account-id.ts';
import { segmentsOf } from '../settlement/stored-call.ts';
import type { Scan } from './scan.ts';

/**
 * Finds the segments of an account's log that may have calls accepted in a period: `least` included, `below` excluded. Reads one call of
 * each segment. The calls of a segment lie between those of its neighbours; the clock of an account may step back, so the range has a
 * segment more at either end.
 */
export const segmentsBetween = async (
  db: D1Database,
  account: AccountId,
  from: Seconds | undefined,
  to: Seconds | undefined,
): Promise<Scan<unknown>['range']> => {
  if (from === undefined && to === undefined) return { least: 0 };
  const row = await db
    .prepare(BETWEEN)
    .bind(account, from ?? 0, to ?? Number.MAX_SAFE_INTEGER)
    .first<{ readonly least: number | null; readonly below: number | null }>();
  return { least: row?.least ?? 0, below: row?.below ?? 0 };
};

const BETWEEN = `
WITH RECURSIVE ${segmentsOf('?1')},
sampled AS (
  SELECT segment, (
    SELECT c.accepted_at FROM calls c INDEXED BY calls_of_account WHERE c.account = ?1 AND c.segment = segments.segment LIMIT 1
  ) AS at FROM segments
),
near AS (
  SELECT segment, lag(at, 2) OVER (ORDER BY segment) AS before, lead(at, 2) OVER (ORDER BY segment) AS after
  FROM sampled WHERE at IS NOT NULL
)
SELECT min(iif(after IS NULL OR after >= ?2, segment, NULL)) AS least, 1 + max(iif(before IS NULL OR before < ?3, segment, NULL)) AS below
FROM near`;
