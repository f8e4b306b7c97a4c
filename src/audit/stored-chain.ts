import type { AccountId } from '../protocol/account-id.ts';
import type { Hex } from '../core/hex.ts';
import type { AccountRow } from './account-row.ts';
import type { Status } from '../protocol/account/status.ts';
import { decodeChunk } from './chunk.ts';
import { GENESIS } from './entry.ts';
import { type ChainHead, type Entry } from '../protocol/entry.ts';

/** The head of an account's stored chain, and what its entries say of the account: no row before the first chunk. */
export type Standing = { readonly head: ChainHead; readonly row?: AccountRow };

type StandingRow = {
  readonly seq: number;
  readonly hash: Hex;
  readonly above: string;
  readonly label: string | null;
  readonly status: Status;
  readonly operator_status: Status;
  readonly first_at: number;
  readonly changed: number;
};

/**
 * One statement. A row older than the head would count a chunk for former ancestors; a newer row does no harm, because the insert of the
 * chunk is then rejected.
 */
const STANDING = `
SELECT head.seq, head.hash, a.above, a.label, a.status, a.operator_status, a.first_at, a.seq AS changed
FROM (
  SELECT last_seq AS seq, last_hash AS hash FROM (
    SELECT * FROM (SELECT last_seq, last_hash FROM chunks WHERE account = ?1 ORDER BY first_seq DESC LIMIT 1)
    UNION ALL SELECT last_seq, last_hash FROM archived WHERE account = ?1
  ) ORDER BY last_seq DESC LIMIT 1
) head JOIN accounts a ON a.account = ?1`;

export const loadStanding = async (db: D1Database, account: AccountId): Promise<Standing> => {
  const row = await db.prepare(STANDING).bind(account).first<StandingRow>();
  if (row === null) return { head: GENESIS };
  return {
    head: { seq: row.seq, hash: row.hash },
    row: {
      above: JSON.parse(row.above) as AccountId[],
      label: row.label ?? undefined,
      status: row.status,
      operatorStatus: row.operator_status,
      firstAt: row.first_at,
      seq: row.changed,
    },
  };
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
