import type { Seconds } from '../core/clock.ts';
import type { Hex } from '../core/hex.ts';
import type { AccountId } from '../protocol/account-id.ts';
import type { BackendHealth } from './backends/health.ts';

/** A failed or repeated attempt to settle a payment: a row of the D1 table `attempts`. */
export type Attempt = {
  readonly account: AccountId;
  readonly call: Hex;
  /** Deliveries of its message. */
  readonly attempts: number;
  /** The last backend of this attempt. Absent if none was tried. */
  readonly backend?: string;
  /** Its last error: a kind or an x402 reason. */
  readonly error?: string;
  readonly at: Seconds;
};

/** The newest attempts of payments that failed or were tried more than once. A payment that settles at once never gets a row. */
export type Attempts = {
  record(attempts: readonly Attempt[]): Promise<void>;
  /** Deletes all attempts of these payments. */
  forget(payments: readonly Pick<Attempt, 'account' | 'call'>[]): Promise<void>;
};

const MAX_ERROR = 200;

/** Opens the table `attempts`. Each function throws if the database does not accept the write. */
export const attemptsIn = (database: D1Database): Attempts => ({
  record: async (attempts) => {
    if (attempts.length === 0) return;
    // Deliveries begin at 1 again with each message of the account, and two isolates may get the same message, so D1 assigns the next
    // number.
    const insert = database.prepare(
      `INSERT INTO attempts (account, call, attempt, backend, error, at)
       SELECT ?1, ?2, max(?3, 1 + coalesce(max(attempt), 0)), ?4, ?5, ?6
       FROM attempts WHERE account = ?1 AND call = ?2`,
    );
    await database.batch(
      attempts.map(({ account, call, attempts: count, backend, error, at }) =>
        insert.bind(account, call, count, backend ?? null, error?.slice(0, MAX_ERROR) ?? null, at),
      ),
    );
  },
  forget: async (payments) => {
    if (payments.length === 0) return;
    const remove = database.prepare('DELETE FROM attempts WHERE account = ? AND call = ?');
    await database.batch(payments.map(({ account, call }) => remove.bind(account, call)));
  },
});

/** Payments that an isolate has presented to a healthy backend before it replaces the counts of another isolate. */
const MANY = 10;

/**
 * A fresh isolate counts from zero. While it has seen only a few successes at a backend that D1 shows as healthy, its row would say nothing
 * new, so it is not written: otherwise every payment of a quiet gateway would cost a row.
 */
const UPSERT_HEALTH = `INSERT INTO backends (network, backend, state, succeeded, failed, last_error, last_error_at, at)
 VALUES (?, ?, ?, ?, ?, ?, ?, ?)
 ON CONFLICT (network, backend) DO UPDATE SET state = excluded.state, succeeded = excluded.succeeded,
 failed = excluded.failed, last_error = excluded.last_error, last_error_at = excluded.last_error_at, at = excluded.at
 WHERE excluded.at >= backends.at
   AND (excluded.state <> backends.state OR excluded.failed > 0 OR excluded.succeeded >= ${MANY})`;

/** Writes the health of backends. @throws if the database does not accept the write. */
export const recordHealth = async (
  database: D1Database,
  health: readonly BackendHealth[],
  now: Seconds,
): Promise<void> => {
  if (health.length === 0) return;
  const upsert = database.prepare(UPSERT_HEALTH);
  await database.batch(
    health.map(({ network, backend, state, succeeded, failed, lastError, lastErrorAt }) =>
      upsert.bind(
        network,
        backend,
        state,
        succeeded,
        failed,
        lastError?.slice(0, MAX_ERROR) ?? null,
        lastErrorAt ?? null,
        now,
      ),
    ),
  );
};

/** How often the counts of a backend in use are written, if its state does not change. */
const EVERY: Seconds = 60;

/** Selects the health that this isolate should write: changed states at once, changed counts once a minute. */
export type HealthChanges = (
  health: readonly BackendHealth[],
  now: Seconds,
) => readonly BackendHealth[];

export const openHealthChanges = (): HealthChanges => {
  const written = new Map<string, { readonly health: BackendHealth; readonly at: Seconds }>();
  return (health, now) => {
    const changes = health.filter((one) => {
      const last = written.get(keyOf(one));
      if (last === undefined) return one.succeeded + one.failed > 0;
      if (last.health.state !== one.state) return true;
      const isUsed = last.health.succeeded !== one.succeeded || last.health.failed !== one.failed;
      return isUsed && now >= last.at + EVERY;
    });
    for (const one of changes) written.set(keyOf(one), { health: one, at: now });
    return changes;
  };
};

const keyOf = ({ network, backend }: BackendHealth): string => `${network} ${backend}`;
