import type { AccountId, Hex } from '../core/account-id.ts';
import { decodeChunk } from './chunk.ts';
import { type ChainHead, type Entry, GENESIS } from './entry.ts';

/** Where the stored chain of an account stands. */
export const loadHead = async (db: D1Database, account: AccountId): Promise<ChainHead> => {
  const row = await db
    .prepare(
      `SELECT last_seq AS seq, last_hash AS hash FROM (
         SELECT * FROM (SELECT last_seq, last_hash FROM chunks WHERE account = ?1 ORDER BY first_seq DESC LIMIT 1)
         UNION ALL SELECT last_seq, last_hash FROM archived WHERE account = ?1
       ) ORDER BY last_seq DESC LIMIT 1`,
    )
    .bind(account)
    .first<{ seq: number; hash: Hex }>();
  return row ?? GENESIS;
};

/** The entries of the stored chunk that holds `seq`; undefined when it is archived and deleted, or was never stored. */
export const loadChunk = async (
  db: D1Database,
  account: AccountId,
  seq: number,
): Promise<readonly Entry[] | undefined> => {
  const row = await db
    .prepare(
      'SELECT body FROM chunks WHERE account = ?1 AND first_seq <= ?2 ORDER BY first_seq DESC LIMIT 1',
    )
    .bind(account, seq)
    .first<{ body: number[] }>();
  const decoded = row === null ? undefined : await decodeChunk(Uint8Array.from(row.body));
  return decoded?.ok === true && (decoded.value.at(-1)?.seq ?? 0) >= seq
    ? decoded.value
    : undefined;
};
