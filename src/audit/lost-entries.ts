import type { AccountId } from '../protocol/account-id.ts';
import type { AgentAccountRpc } from '../protocol/account/rpc.ts';
import type { AlertBody } from '../protocol/alert.ts';
import type { AuditLogRpc } from '../protocol/audit-log-contract.ts';
import { parseLeaf } from './log/leaf.ts';

/** Leaves that one comparison reads. */
const LEAVES = 500;
/** Comparisons of one check, at most. */
const PAGES = 20;
/** Accounts that one check asks for their entries, at most: the next one asks the others. */
const ASKED = 200;

/** Entries of an account that the transparency log has and D1 lacks. */
export type LostEntries = {
  readonly account: AccountId;
  readonly from: number;
  readonly to: number;
};

export type LostEntriesDeps = {
  readonly db: D1Database;
  readonly log: Pick<AuditLogRpc, 'status' | 'leaves'>;
  readonly account: (id: AccountId) => Pick<AgentAccountRpc, 'resend'>;
  readonly raise: (alert: AlertBody) => Promise<boolean>;
};

/**
 * Raises `database_behind` if D1 lacks entries that are in the newest leaves of the transparency log: it was restored to an earlier time.
 * Lets their accounts send the entries again that they still store, because an account takes what D1 has acknowledged for exported.
 *
 * Race: the log is read first. D1 stores a chunk before the log has its leaf, so a chunk that is under way is never reported.
 *
 * @throws Error if the log or D1 does not answer
 */
export const watchLostEntries = async (deps: LostEntriesDeps): Promise<void> => {
  const all = await findLostEntries(deps.db, deps.log);
  const [lost, ...others] = all;
  if (lost === undefined) return;
  // One alert for all: a restore may concern thousands of accounts.
  await deps.raise({ rule: 'database_behind', detail: { ...lost, accounts: others.length + 1 } });
  for (const { account, from } of all.slice(0, ASKED)) {
    try {
      const resent = await deps.account(account).resend(from);
      console.warn({ event: 'entries_resent', account, from, ...resent });
    } catch (cause) {
      console.error({ event: 'entries_not_resent', account, from, cause: String(cause) });
    }
  }
};

/** Compares the newest leaves first, and older ones as long as D1 lacks any: a restore loses the newest chunks. */
const findLostEntries = async (
  db: D1Database,
  log: Pick<AuditLogRpc, 'status' | 'leaves'>,
): Promise<readonly LostEntries[]> => {
  const { signed } = await log.status();
  const lost = new Map<AccountId, LostEntries>();
  for (let page = 1, end = signed; page <= PAGES && end > 0; page += 1) {
    const first = Math.max(0, end - LEAVES);
    const { leaves } = (await log.leaves(first, { most: end - first })) ?? { leaves: [] };
    const newest = new Map<string, number>();
    for (const { text } of leaves) {
      const leaf = parseLeaf(text);
      if (leaf !== undefined) newest.set(leaf.account, leaf.last.seq);
    }
    const { results } = await db
      .prepare(BEHIND)
      .bind(JSON.stringify(Object.fromEntries(newest)))
      .all<LostEntries>();
    // An older leaf of an account ends before the newer one that is known already.
    for (const each of results) if (!lost.has(each.account)) lost.set(each.account, each);
    if (results.length === 0) break;
    end = first;
  }
  return [...lost.values()].toSorted((one, other) => (one.account < other.account ? -1 : 1));
};

/** Accounts of a JSON object whose stored log ends before the seq that it names. */
const BEHIND = `
SELECT account, stored + 1 AS "from", seq AS "to" FROM (
  SELECT k.key AS account, k.value AS seq, max(
    coalesce((SELECT c.last_seq FROM chunks c WHERE c.account = k.key ORDER BY c.first_seq DESC LIMIT 1), 0),
    coalesce((SELECT a.last_seq FROM archived a WHERE a.account = k.key), 0)) AS stored
  FROM json_each(?1) k
) WHERE stored < seq ORDER BY account`;
