import type { Seconds } from '../../core/clock.ts';
import { type Day, dayOf } from '../day.ts';

/** How far the archive got. A run that ends early continues here. */
export type Progress = {
  /** The day that is being copied, and the account that comes next. */
  readonly day: Day;
  readonly account: string;
  /** The first day whose chunks D1 still keeps, and the account whose chunks are deleted next. */
  readonly drop_day: Day;
  readonly drop_account: string;
  /** Since when R2 has failed; null while it works. */
  readonly failing_at: Seconds | null;
  /** When the alert about it was raised. */
  readonly told_at: Seconds | null;
};

/** The time at which D1 stored its oldest chunk: reads each account once, because chunks have no index on their time. */
const OLDEST = `
SELECT min(at) AS at FROM (
  SELECT (SELECT c.at FROM chunks c WHERE c.account = a.account ORDER BY c.first_seq LIMIT 1) AS at FROM accounts a
)`;

/** Reads how far the archive got; before the first run, the day of the oldest chunk. Undefined if D1 has no chunk. */
export const loadProgress = async (db: D1Database): Promise<Progress | undefined> => {
  const stored = await db
    .prepare(
      'SELECT day, account, drop_day, drop_account, failing_at, told_at FROM archive_progress',
    )
    .first<Progress>();
  if (stored !== null) return stored;
  const oldest = await db.prepare(OLDEST).first<{ readonly at: Seconds | null }>();
  if (oldest === null || oldest.at === null) return undefined;
  const day = dayOf(oldest.at);
  return { day, account: '', drop_day: day, drop_account: '', failing_at: null, told_at: null };
};

export const storeProgress = (db: D1Database, progress: Progress): D1PreparedStatement =>
  db
    .prepare(
      `INSERT INTO archive_progress (id, day, account, drop_day, drop_account, failing_at, told_at)
       VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6)
       ON CONFLICT (id) DO UPDATE SET day = excluded.day, account = excluded.account, drop_day = excluded.drop_day,
         drop_account = excluded.drop_account, failing_at = excluded.failing_at, told_at = excluded.told_at`,
    )
    .bind(
      progress.day,
      progress.account,
      progress.drop_day,
      progress.drop_account,
      progress.failing_at,
      progress.told_at,
    );
