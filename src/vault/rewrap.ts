import type { AccountId } from '../protocol/account-id.ts';
import { open, seal } from './envelope.ts';
import type { SealedSecret } from './secret.ts';
import type { VaultKeys } from './vault-keys.ts';

/** A step of the rotation of the key-encryption key. */
export type Rewrapped = {
  /** Secrets that this step encrypted with the current key. */
  readonly rewrapped: number;
  /** Names of secrets that neither key opens. They stay as they are. */
  readonly unreadable: readonly string[];
  /** Secrets that, after this step, a key other than the current one encrypts. */
  readonly remaining: number;
  /** Where the next step begins; absent after the last one. */
  readonly next?: string;
};

/** Rows of one step. */
const STEP = 50;

type Place = { readonly name: string; readonly version: number };

const readCursor = (cursor: string): Place | undefined => {
  const [, name = '', version] = /^([a-z0-9_-]{0,64})_v([0-9]{1,9})$/.exec(cursor) ?? [];
  return version === undefined ? undefined : { name, version: Number(version) };
};

/**
 * Encrypts the next rows with the current key. Every row is compared and set by its key id, so an interrupted or repeated step does no
 * harm. Calls continue meanwhile, because they open rows of either key.
 *
 * @param after `next` of the step before
 * @returns undefined for an invalid cursor
 * @throws if the database does not answer
 */
export const rewrapStep = async (
  db: D1Database,
  keys: VaultKeys,
  owner: AccountId,
  after: string | undefined,
): Promise<Rewrapped | undefined> => {
  const place = after === undefined ? { name: '', version: 0 } : readCursor(after);
  if (place === undefined) return undefined;
  const rows = await rowsAfter(db, keys, owner, place);
  const unreadable: string[] = [];
  let rewrapped = 0;
  for (const row of rows) {
    const opened = await open(row, keys);
    if (!opened.ok) {
      unreadable.push(row.name);
      continue;
    }
    if (await replace(db, row, await seal(row, opened.value, keys.current))) rewrapped += 1;
  }
  const last = rows.at(-1);
  const next =
    rows.length === STEP && last !== undefined ? `${last.name}_v${last.version}` : undefined;
  const remaining = await countOthers(db, keys, owner);
  return { rewrapped, unreadable, remaining, ...(next === undefined ? {} : { next }) };
};

const OTHERS = `owner = ?1 AND kek <> ?2 AND retired_at IS NULL`;

const rowsAfter = async (
  db: D1Database,
  { current }: VaultKeys,
  owner: AccountId,
  { name, version }: Place,
): Promise<readonly SealedSecret[]> => {
  const { results } = await db
    .prepare(
      `SELECT owner, name, version, kind, host, kek, wrapped, body FROM secrets
       WHERE ${OTHERS} AND (name, version) > (?3, ?4) ORDER BY name, version LIMIT ${STEP}`,
    )
    .bind(owner, current.id, name, version)
    .all<SealedSecret>();
  return results.map((row) => ({
    ...row,
    wrapped: new Uint8Array(row.wrapped),
    body: new Uint8Array(row.body),
  }));
};

/** Race: another step, or the removal of the secret. False if the row has changed. */
const replace = async (
  db: D1Database,
  { owner, name, version, kek }: SealedSecret,
  { kek: current, wrapped, body }: SealedSecret,
): Promise<boolean> => {
  const { meta } = await db
    .prepare(
      `UPDATE secrets SET kek = ?5, wrapped = ?6, body = ?7
       WHERE owner = ?1 AND name = ?2 AND version = ?3 AND kek = ?4 AND retired_at IS NULL`,
    )
    .bind(owner, name, version, kek, current, wrapped, body)
    .run();
  return meta.changes > 0;
};

const countOthers = async (
  db: D1Database,
  { current }: VaultKeys,
  owner: AccountId,
): Promise<number> => {
  const row = await db
    .prepare(`SELECT count(*) AS count FROM secrets WHERE ${OTHERS}`)
    .bind(owner, current.id)
    .first<{ readonly count: number }>();
  return row?.count ?? 0;
};
