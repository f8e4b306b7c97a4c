import type { AccountId } from '../protocol/account-id.ts';
import type { Hex } from '../core/hex.ts';
import type { Seconds } from '../core/clock.ts';

/** A payment that did not settle at its first delivery, as `attempts` in D1 keeps it while it is open. */
export type Attempt = {
  readonly account: AccountId;
  readonly call: Hex;
  /** Deliveries of its message. */
  readonly attempts: number;
  /** Who was asked last. */
  readonly backend?: string;
  /** What was said last: a kind or an x402 reason. */
  readonly error?: string;
  readonly at: Seconds;
};

/** The payments that have been tried more than once, or have met trouble. A payment that settles at once is never there. */
export type Attempts = {
  record(attempts: readonly Attempt[]): Promise<void>;
  forget(ended: readonly Pick<Attempt, 'account' | 'call'>[]): Promise<void>;
};

const MAX_ERROR = 200;

/** The table of attempts. @throws, each function, when the database does not take it. */
export const attemptsIn = (database: D1Database): Attempts => ({
  record: async (attempts) => {
    if (attempts.length === 0) return;
    // What was not asked this time was asked before, perhaps: then that still is who was asked last.
    const upsert = database.prepare(
      `INSERT INTO attempts (account, call, attempts, backend, error, at) VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT (account, call) DO UPDATE SET attempts = excluded.attempts,
       backend = coalesce(excluded.backend, attempts.backend), error = excluded.error, at = excluded.at
       WHERE excluded.at >= attempts.at`,
    );
    await database.batch(
      attempts.map(({ account, call, attempts: count, backend, error, at }) =>
        upsert.bind(account, call, count, backend ?? null, error?.slice(0, MAX_ERROR) ?? null, at),
      ),
    );
  },
  forget: async (ended) => {
    if (ended.length === 0) return;
    const remove = database.prepare('DELETE FROM attempts WHERE account = ? AND call = ?');
    await database.batch(ended.map(({ account, call }) => remove.bind(account, call)));
  },
});
