import type { Seconds } from '../core/clock.ts';
import type { AlertBody } from '../protocol/alert.ts';
import { type Outage, recordOutages } from './record-outages.ts';

/** The trigger runs each minute. Cloudflare may be late; a queue with work looks once a minute. */
const MISSED_AFTER: Seconds = 300;
/** A little less than 15 minutes: triggers are not on time to the second. */
const UPKEEP_EVERY: Seconds = 870;

/** Records that the trigger runs. @returns whether the upkeep is due, to one run of those at once */
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

/** Why the trigger counts as missed; undefined while it runs, or before a new gateway had the time. @throws Error if the database does not answer */
export const cronOutage = async (db: D1Database, now: Seconds): Promise<Outage | undefined> => {
  const since = await db
    .prepare("SELECT at FROM cron_runs WHERE part = 'watch'")
    .first<Seconds>('at');
  return since === null || now - since <= MISSED_AFTER
    ? undefined
    : { subject: '', detail: { since } };
};

/**
 * Raises `cron_missed` if the trigger does not run. The trigger cannot report its own absence, so the queues do: every accepted call writes
 * log, and what the trigger guards (settlement, log, archive) comes from calls. A gateway without any shows it on the dashboard and to
 * `countersign outages`, which look for themselves.
 */
export const noticeMissedCron = async (
  db: D1Database,
  raise: (alert: AlertBody) => Promise<boolean>,
  now: Seconds,
): Promise<void> => {
  // A gateway whose trigger has never run counts from here.
  await db.prepare("INSERT OR IGNORE INTO cron_runs VALUES ('watch', ?1)").bind(now).run();
  const outage = await cronOutage(db, now);
  if (outage !== undefined) await recordOutages(db, 'cron_missed', [outage], raise, now);
};
