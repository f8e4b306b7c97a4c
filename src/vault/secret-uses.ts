import { createBoundedMap } from '../core/bounded-map.ts';
import type { Seconds } from '../core/clock.ts';
import type { AccountId } from '../protocol/account-id.ts';

/** The last use of a secret by a tool, exact to `NOTED_EVERY`. */
export type SecretUse = { readonly name: string; readonly tool: string; readonly at: Seconds };

/** A use is written once in this time for each secret and tool, so that a call costs no row. */
const NOTED_EVERY: Seconds = 3_600;

/** Notes uses of secrets; one instance per isolate. */
export type NoteUse = (names: readonly string[], tool: string, now: Seconds) => Promise<void>;

export const openSecretUses = (db: D1Database, owner: AccountId): NoteUse => {
  const noted = createBoundedMap<string, Seconds>(1_024);
  return async (names, tool, now) => {
    const due = [...new Set(names)].filter(
      (name) => now - (noted.get(`${name} ${tool}`) ?? 0) >= NOTED_EVERY,
    );
    for (const name of due) noted.set(`${name} ${tool}`, now);
    if (due.length === 0) return;
    try {
      // Other isolates record the same use: because of the condition, that costs only a read.
      await db.batch(
        due.map((name) =>
          db
            .prepare(
              `INSERT INTO secret_uses (owner, name, tool, at) VALUES (?1, ?2, ?3, ?4)
               ON CONFLICT (owner, name, tool) DO UPDATE SET at = ?4 WHERE at <= ?4 - ${NOTED_EVERY}`,
            )
            .bind(owner, name, tool, now),
        ),
      );
    } catch (cause) {
      console.error({ event: 'secret_use_unnoted', tool, cause: String(cause) });
    }
  };
};

/** Lists the uses of all secrets. @throws if the database does not answer */
export const listSecretUses = async (
  db: D1Database,
  owner: AccountId,
): Promise<readonly SecretUse[]> => {
  const { results } = await db
    .prepare(
      'SELECT name, tool, at FROM secret_uses WHERE owner = ?1 ORDER BY name, at DESC LIMIT 2000',
    )
    .bind(owner)
    .all<SecretUse>();
  return results;
};
