import type { Seconds } from '../core/clock.ts';
import type { AccountId } from '../protocol/account-id.ts';
import type { AlertBody } from '../protocol/alert.ts';
import type { AuditLogRpc } from '../protocol/audit-log-contract.ts';

/** A stored entry that no signed checkpoint covers after this time is late: log and signature take seconds. */
const LATE: Seconds = 600;

type LogReader = Pick<AuditLogRpc, 'status' | 'leavesOf'>;

/**
 * Raises `log_behind` if no signed checkpoint covers an entry that D1 stored more than ten minutes ago: the transparency log does not
 * append leaves, or cannot sign. Accounts keep the entries that the log lacks, so nothing is lost.
 *
 * @param logOf the log of a year
 * @throws Error if the log or D1 does not answer
 */
export const watchLogLag = async (
  db: D1Database,
  logOf: (year: number) => LogReader,
  raise: (alert: AlertBody) => Promise<boolean>,
  now: Seconds,
): Promise<void> => {
  const stored = await newestStored(db, now - LATE);
  if (stored === undefined) return;
  const { account, seq, since } = stored;
  let leaves = 0;
  // A chunk that D1 stored before New Year may be in the log of the new year.
  for (let year = yearOf(since); year <= yearOf(now); year += 1) {
    const log = logOf(year);
    const page = await log.leavesOf(account, seq, { most: 1 });
    if (page !== undefined && page.leaves.length > 0) return;
    leaves += (await log.status()).size;
  }
  // Without a leaf, the log was turned on after the entry was written. The entry is appended with the account's next one.
  if (leaves > 0) await raise({ rule: 'log_behind', detail: { account, seq, since } });
};

const yearOf = (at: Seconds): number => new Date(at * 1_000).getUTCFullYear();

type StoredEntry = { readonly account: AccountId; readonly seq: number; readonly since: Seconds };

/** The entry that accepted the newest call before a time, unless D1 stored it after that time only, e.g. after an outage. */
const newestStored = async (db: D1Database, before: Seconds): Promise<StoredEntry | undefined> => {
  const found = await db.prepare(NEWEST).bind(before).first<StoredEntry>();
  return found === null || found.since > before ? undefined : found;
};

const NEWEST = `
SELECT c.account, k.first_seq AS seq, c.at AS since
FROM (SELECT account, first_seq FROM calls WHERE accepted_at <= ?1 ORDER BY accepted_at DESC LIMIT 1) k
JOIN chunks c ON c.account = k.account AND c.first_seq <= k.first_seq
ORDER BY c.first_seq DESC LIMIT 1`;
