import type { Seconds } from '../core/clock.ts';
import type { AlertBody } from '../protocol/alert.ts';
import { type Outage, recordOutages } from './record-outages.ts';

/** The trigger runs each minute, but Cloudflare may start it late. */
const MISSED_AFTER: Seconds = 300;
/** A little less than 15 minutes, because triggers start with some jitter. */
const UPKEEP_EVERY: Seconds = 870;

/** Records a run of the trigger. @returns whether the upkeep is due: true for only one of several concurrent runs */
export const beginCron = async (db: D1Database, now: Seconds): Promise<boolean> => {
  await db.prepare("INSERT OR REPLACE INTO cron_runs VALUES ('watch', ?1)").bind(now).run();
  const claimed = await db
    .prepare(
      `INSERT INTO cron_runs VALUES ('upkeep', ?1)
       ON CONFLICT (part) DO UPDATE SET at = excluded.at WHERE at <= excluded.at - ${UPKEEP_EVERY} RETURNING at`,
    )
    .bind(now)
    .first();
  return claimed !== null;
};

/**
 * Returns the outage of a missed trigger; undefined while it runs, or if a new gateway has not recorded anything yet.
 *
 * @throws Error if the database does not answer
 */
export const cronOutage = async (db: D1Database, now: Seconds): Promise<Outage | undefined> => {
  const since = await db
    .prepare("SELECT at FROM cron_runs WHERE part = 'watch'")
    .first<Seconds>('at');
  return since === null || now - since <= MISSED_AFTER
    ? undefined
    : { subject: '', detail: { since } };
};

/**
 * Raises `cron_missed` if the trigger does not run. The trigger cannot report its own absence, so the queue consumers check for it: every
 * accepted call writes log entries, and everything that the trigger guards (settlement, log, archive) starts with a call. On a gateway
 * without calls, the dashboard and `countersign outages` show the outage, because both check it themselves.
 */
export const noticeMissedCron = async (
  db: D1Database,
  raise: (alert: AlertBody) => Promise<boolean>,
  now: Seconds,
): Promise<void> => {
  // If the trigger has never run, count from now.
  await db.prepare("INSERT OR IGNORE INTO cron_runs VALUES ('watch', ?1)").bind(now).run();
  const outage = await cronOutage(db, now);
  if (outage !== undefined) await recordOutages(db, 'cron_missed', [outage], raise, now);
};
