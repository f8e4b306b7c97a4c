import type { Seconds } from '../core/clock.ts';
import type { Hex } from '../core/hex.ts';
import type { AccountId } from '../protocol/account-id.ts';
import type { Entry } from '../protocol/entry.ts';
import {
  isSecretName,
  type SealedSecret,
  type SecretKind,
  secretHash,
  type SecretVersion,
} from './secret.ts';

/**
 * The D1 table of secrets, one row a version. A version is written first and takes effect with the entry of its command, so that a crash
 * between both leaves a row that no call uses. A version that ended keeps its row without value, so that its number is never used again.
 */

type Row = {
  readonly owner: AccountId;
  readonly name: string;
  readonly version: number;
  readonly kind: SecretKind;
  readonly host: string;
  readonly kek: string;
  readonly wrapped: readonly number[];
  readonly body: readonly number[];
  readonly hint: string;
  readonly hash: Hex;
  readonly created_at: Seconds;
};

const IN_FORCE = 'seq IS NOT NULL AND retired_at IS NULL';

/** Secrets of a gateway, at most. */
export const MAX_SECRETS = 200;

/** Reads the secrets in force of some names. @throws if the database does not answer */
export const readSecrets = async (
  db: D1Database,
  owner: AccountId,
  names: readonly string[],
): Promise<readonly SealedSecret[]> => {
  const { results } = await db
    .prepare(
      `SELECT * FROM secrets WHERE owner = ?1 AND ${IN_FORCE} AND name IN (SELECT value FROM json_each(?2))`,
    )
    .bind(owner, JSON.stringify(names))
    .all<Row>();
  return results.map(sealedOf);
};

const sealedOf = ({ owner, name, version, kind, host, kek, wrapped, body }: Row): SealedSecret => ({
  ...{ owner, name, version, kind, host, kek },
  wrapped: new Uint8Array(wrapped),
  body: new Uint8Array(body),
});

/** Lists the secrets in force by name, without values. @throws if the database does not answer */
export const listSecrets = async (
  db: D1Database,
  owner: AccountId,
): Promise<readonly SecretVersion[]> => {
  const { results } = await db
    .prepare(
      `SELECT owner, name, version, kind, host, kek, hint, hash, created_at FROM secrets
       WHERE owner = ?1 AND ${IN_FORCE} ORDER BY name LIMIT ${MAX_SECRETS}`,
    )
    .bind(owner)
    .all<Row>();
  return results.map(({ created_at: createdAt, ...row }) => ({ ...row, createdAt }));
};

/** The number of the next version of a secret. @throws if the database does not answer */
export const nextVersion = async (
  db: D1Database,
  owner: AccountId,
  name: string,
): Promise<number> => {
  const row = await db
    .prepare('SELECT max(version) AS version FROM secrets WHERE owner = ?1 AND name = ?2')
    .bind(owner, name)
    .first<{ readonly version: number | null }>();
  return (row?.version ?? 0) + 1;
};

/** Writes a version that does not count yet. False if another request wrote this version. @throws if the database does not answer */
export const prepareVersion = async (
  db: D1Database,
  sealed: SealedSecret,
  { hint, now }: { readonly hint: string; readonly now: Seconds },
): Promise<boolean> => {
  const { owner, name, version, kind, host, kek, wrapped, body } = sealed;
  const { meta } = await db
    .prepare(
      `INSERT INTO secrets (owner, name, version, kind, host, kek, wrapped, body, hint, hash, created_at)
       VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) ON CONFLICT DO NOTHING`,
    )
    .bind(owner, name, version, kind, host, kek, wrapped, body, hint, secretHash(sealed), now)
    .run();
  return meta.changes > 0;
};

/** Deletes a prepared version whose command was refused. @throws if the database does not answer */
export const dropPrepared = async (
  db: D1Database,
  { owner, name, version }: SealedSecret,
): Promise<void> => {
  await db
    .prepare('DELETE FROM secrets WHERE owner = ?1 AND name = ?2 AND version = ?3 AND seq IS NULL')
    .bind(owner, name, version)
    .run();
};

/** Erases the value: the row stays. */
const ERASED = `retired_at = ?4, wrapped = x'', body = x'', hint = ''`;

/** The statements that put a version in force and end all earlier ones. An older entry changes nothing. */
export const putInForce = (
  db: D1Database,
  { owner, name, hash, seq, at }: SecretEntry & { readonly hash: Hex },
): D1PreparedStatement[] => [
  db
    .prepare(
      `UPDATE secrets SET seq = ?4 WHERE owner = ?1 AND name = ?2 AND hash = ?3 AND seq IS NULL AND retired_at IS NULL`,
    )
    .bind(owner, name, hash, seq),
  db
    .prepare(
      `UPDATE secrets SET ${ERASED} WHERE owner = ?1 AND name = ?2 AND retired_at IS NULL
       AND version < (SELECT version FROM secrets WHERE owner = ?1 AND name = ?2 AND hash = ?3 AND seq IS NOT NULL)`,
    )
    .bind(owner, name, hash, at),
];

/** The statements that remove a secret: every version that an earlier entry put in force, or that was prepared before. */
export const endSecret = (
  db: D1Database,
  { owner, name, seq, at }: SecretEntry,
): D1PreparedStatement[] => [
  db
    .prepare(
      `UPDATE secrets SET ${ERASED} WHERE owner = ?1 AND name = ?2 AND retired_at IS NULL
       AND (seq < ?3 OR seq IS NULL AND created_at <= ?4)`,
    )
    .bind(owner, name, seq, at),
  db
    .prepare(
      `DELETE FROM secret_uses WHERE owner = ?1 AND name = ?2 AND NOT EXISTS
       (SELECT 1 FROM secrets WHERE owner = ?1 AND name = ?2 AND ${IN_FORCE})`,
    )
    .bind(owner, name),
];

/** The entry of a command about a secret. */
export type SecretEntry = {
  readonly owner: AccountId;
  readonly name: string;
  readonly seq: number;
  readonly at: Seconds;
};

/** Statements that apply `secret.put` and `secret.removed` to the table; none for every other entry. */
export const projectSecret = (db: D1Database, entry: Entry): D1PreparedStatement[] => {
  const { account: owner, seq, at, outcome = {} } = entry;
  const { name, hash } = outcome;
  if (typeof name !== 'string' || !isSecretName(name)) return [];
  if (entry.type === 'secret.removed') return endSecret(db, { owner, name, seq, at });
  return entry.type === 'secret.put' && typeof hash === 'string'
    ? putInForce(db, { owner, name, seq, at, hash: hash as Hex })
    : [];
};
