import type { Seconds } from '../../core/clock.ts';
import type { BackendHealth } from './backend.ts';

const UPSERT = `INSERT INTO backends (network, backend, state, succeeded, failed, last_error, last_error_at, at)
 VALUES (?, ?, ?, ?, ?, ?, ?, ?)
 ON CONFLICT (network, backend) DO UPDATE SET state = excluded.state, succeeded = excluded.succeeded,
 failed = excluded.failed, last_error = excluded.last_error, last_error_at = excluded.last_error_at, at = excluded.at
 WHERE excluded.at >= backends.at`;

/** Writes how backends do, as operators read it. @throws when the database does not take it. */
export const recordHealth = async (
  database: D1Database,
  health: readonly BackendHealth[],
  now: Seconds,
): Promise<void> => {
  if (health.length === 0) return;
  const upsert = database.prepare(UPSERT);
  await database.batch(
    health.map(({ network, backend, state, succeeded, failed, lastError, lastErrorAt }) =>
      upsert.bind(
        network,
        backend,
        state,
        succeeded,
        failed,
        lastError?.slice(0, 200) ?? null,
        lastErrorAt ?? null,
        now,
      ),
    ),
  );
};

const EVERY: Seconds = 60;

/** What is worth writing: what has changed its state since this isolate wrote last, and once a minute whatever was asked meanwhile. */
export type HealthNews = (
  health: readonly BackendHealth[],
  now: Seconds,
) => readonly BackendHealth[];

export const openHealthNews = (): HealthNews => {
  const written = new Map<string, { readonly health: BackendHealth; readonly at: Seconds }>();
  return (health, now) => {
    const news = health.filter((one) => {
      const last = written.get(keyOf(one));
      if (last === undefined) return one.succeeded + one.failed > 0;
      if (last.health.state !== one.state) return true;
      const isAsked = last.health.succeeded !== one.succeeded || last.health.failed !== one.failed;
      return isAsked && now >= last.at + EVERY;
    });
    for (const one of news) written.set(keyOf(one), { health: one, at: now });
    return news;
  };
};

const keyOf = ({ network, backend }: BackendHealth): string => `${network} ${backend}`;
