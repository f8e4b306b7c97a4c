import type { AlertBody } from '../protocol/account/alert.ts';

/** Percent of the largest size at which operators are alerted. */
const THRESHOLDS = [70, 90] as const;
/** A threshold is armed again once the database is this many points below it, so that a size that wavers raises one alert. */
const REARMED = 5;

/**
 * Raises `database_size` once each time the database grows past a threshold. D1 says its size with every answer. Raised before it is
 * recorded: a crash between the two raises the alert again rather than never.
 *
 * @param max bytes that the database may hold.
 * @throws Error where the database does not answer
 */
export const watchSize = async (
  db: D1Database,
  max: number,
  raise: (alert: AlertBody) => Promise<boolean>,
): Promise<void> => {
  const { results, meta } = await db
    .prepare('SELECT percent FROM database_alerts')
    .all<{ percent: number }>();
  const used = (100 * meta.size_after) / max;
  const raised = new Set(results.map(({ percent }) => percent));
  for (const percent of THRESHOLDS) {
    if (used >= percent && !raised.has(percent)) {
      if (await raise({ rule: 'database_size', detail: { percent, max } })) {
        await record(db, 'INSERT OR IGNORE INTO database_alerts VALUES (?1)', percent);
      }
    } else if (used < percent - REARMED && raised.has(percent)) {
      await record(db, 'DELETE FROM database_alerts WHERE percent = ?1', percent);
    }
  }
};

const record = (db: D1Database, sql: string, percent: number): Promise<unknown> =>
  db.prepare(sql).bind(percent).run();
