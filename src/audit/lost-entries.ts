import type { AccountId } from '../protocol/account-id.ts';
import type { AlertBody } from '../protocol/alert.ts';
import type { AuditLogRpc } from '../protocol/audit-log-contract.ts';
import { parseLeaf } from './log/leaf.ts';

/** How many of the log's newest leaves one check compares: a restore of D1 loses their chunks first. */
const LEAVES = 500;

/** Entries of an account that the transparency log has and D1 lacks. */
export type LostEntries = {
  readonly account: AccountId;
  readonly from: number;
  readonly to: number;
};

/**
 * Raises `database_behind` if D1 lacks entries that are in the newest leaves of the transparency log: it was restored to an earlier time.
 * An account that writes another entry reports the loss by itself; a quiet account does not.
 *
 * Race: the log is read first. D1 stores a chunk before the log has its leaf, so a chunk that is under way is never reported.
 *
 * @throws Error if the log or D1 does not answer
 */
export const watchLostEntries = async (
  db: D1Database,
  log: Pick<AuditLogRpc, 'status' | 'leaves'>,
  raise: (alert: AlertBody) => Promise<boolean>,
): Promise<void> => {
  const [lost, ...others] = await findLostEntries(db, log);
  if (lost === undefined) return;
  // One alert for all: a restore may concern thousands of accounts.
  await raise({ rule: 'database_behind', detail: { ...lost, accounts: others.length + 1 } });
};

const findLostEntries = async (
  db: D1Database,
  log: Pick<AuditLogRpc, 'status' | 'leaves'>,
): Promise<readonly LostEntries[]> => {
  const { signed } = await log.status();
  const page = await log.leaves(Math.max(0, signed - LEAVES), { most: LEAVES });
  const newest = new Map<string, number>();
  for (const { text } of page?.leaves ?? []) {
    const leaf = parseLeaf(text);
    if (leaf !== undefined) newest.set(leaf.account, leaf.last.seq);
  }
  if (newest.size === 0) return [];
  const { results } = await db
    .prepare(BEHIND)
    .bind(JSON.stringify(Object.fromEntries(newest)))
    .all<LostEntries>();
  return results;
};

/** Accounts of a JSON object whose stored log ends before the seq that it names. */
const BEHIND = `
SELECT account, stored + 1 AS "from", seq AS "to" FROM (
  SELECT k.key AS account, k.value AS seq, max(
    coalesce((SELECT c.last_seq FROM chunks c WHERE c.account = k.key ORDER BY c.first_seq DESC LIMIT 1), 0),
    coalesce((SELECT a.last_seq FROM archived a WHERE a.account = k.key), 0)) AS stored
  FROM json_each(?1) k
) WHERE stored < seq ORDER BY account`;
