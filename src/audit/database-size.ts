import type { AlertBody } from '../protocol/alert.ts';

/** Percentages of the maximum size that raise an alert. */
const THRESHOLDS = [70, 90] as const;
/** A threshold is armed again this many points below it, so that a size around the threshold raises one alert. */
const HYSTERESIS = 5;

/**
 * Raises `database_size` once each time the database grows past a threshold. D1 reports its size with every answer. The alert is raised
 * before it is recorded: after a crash between the two it is raised again rather than never.
 *
 * @param max the size in bytes at which D1 rejects writes
 * @throws Error if the database does not answer
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
    } else if (used < percent - HYSTERESIS && raised.has(percent)) {
      await record(db, 'DELETE FROM database_alerts WHERE percent = ?1', percent);
    }
  }
};

const record = (db: D1Database, sql: string, percent: number): Promise<unknown> =>
  db.prepare(sql).bind(percent).run();
