import type { Seconds } from '../../core/clock.ts';
import type { AccountId } from '../../protocol/account-id.ts';
import type { Status } from '../../protocol/account/command.ts';
import type { Entry } from '../../protocol/entry.ts';
import { type AccountRow, newRow } from '../account-row.ts';
import { approvalStatements } from '../approvals.ts';
import { ArchivedObjectMissing } from '../archive/archive-unavailable.ts';
import { loadWholeRun } from '../archive/archived-entries.ts';
import { projectionStatements } from '../projection-statements.ts';
import { project } from '../projection.ts';
import { rollUp, rollUpStatements } from '../roll-up.ts';
import { verifyRun } from '../run.ts';
import {
  type NextPlace,
  projectedHead,
  type RebuildState,
  storedSeq,
  takeStep,
} from './rebuild-state.ts';

const INTO = 'rebuild_';

/**
 * Projects the next stored entries of an account into the copies, from D1 or R2, with the statements that the consumer runs. Verifies their
 * hash chain first: a projection of altered entries would only look right.
 *
 * @param next the account, and the phase and place after its last entry
 * @returns how many entries it projected
 * @throws ArchiveUnavailable if R2 does not answer
 */
export const projectAccount = async (
  db: D1Database,
  bucket: R2Bucket | undefined,
  state: RebuildState,
  next: { readonly account: AccountId; readonly done: NextPlace },
  now: Seconds,
): Promise<number> => {
  const { account, done } = next;
  const head = await projectedHead(db, account);
  const from = head.seq + 1;
  const stored = (await db
    .prepare(`SELECT ${storedSeq('?1')} AS seq`)
    .bind(account)
    .first<number>('seq')) as number;
  const stop = async (fault: 'missing' | 'broken', to: number): Promise<number> => {
    await db.batch([
      takeStep(db, state, done, now),
      db.prepare(PUT_HEAD).bind(account, head.seq, head.hash, fault, to),
    ]);
    return 0;
  };
  if (head.fault !== null || stored < from) {
    await db.batch([takeStep(db, state, done, now)]);
    return 0;
  }
  const run = await readRun(db, account, from, bucket);
  const first = run?.entries[0];
  if (run === undefined || first?.seq !== from)
    return await stop('missing', first === undefined ? stored : first.seq - 1);
  const { entries } = run;
  const verified = verifyRun(entries, { account, after: head });
  if (!verified.ok) return await stop('broken', run.last);
  const before = await rebuiltRow(db, account);
  await db.batch([
    // More entries may follow in the next step, so keep the place.
    takeStep(db, state, run.last < stored ? state : done, now),
    db.prepare(PUT_HEAD).bind(account, verified.value.last, verified.value.hash, null, null),
    ...projectionStatements(db, account, project(entries), INTO),
    ...approvalStatements(db, entries, INTO),
    ...rollUpStatements(
      db,
      account,
      rollUp(entries, before ?? newRow(first.at)),
      before === undefined ? {} : { row: before },
      INTO,
    ),
  ]);
  return entries.length;
};

const PUT_HEAD = `
INSERT INTO rebuild_heads (account, seq, hash, fault, fault_to) VALUES (?1, ?2, ?3, ?4, ?5)
ON CONFLICT (account) DO UPDATE SET seq = excluded.seq, hash = excluded.hash, fault = excluded.fault, fault_to = excluded.fault_to`;

/** The next stored entries; undefined if R2 lacks their object. */
const readRun = async (
  db: D1Database,
  account: AccountId,
  from: number,
  bucket: R2Bucket | undefined,
): Promise<{ readonly entries: readonly Entry[]; readonly last: number } | undefined> => {
  try {
    return await loadWholeRun(db, account, from, Number.MAX_SAFE_INTEGER, bucket);
  } catch (thrown) {
    if (thrown instanceof ArchivedObjectMissing) return undefined;
    throw thrown;
  }
};

type Row = {
  readonly parent: AccountId | null;
  readonly above: string;
  readonly label: string | null;
  readonly named_by: AccountRow['namedBy'] | null;
  readonly status: Status;
  readonly operator_status: Status;
  readonly first_at: Seconds;
  readonly seq: number;
};

/** The row of an account after the entries that are projected. */
const rebuiltRow = async (db: D1Database, account: AccountId): Promise<AccountRow | undefined> => {
  const row = await db
    .prepare(
      'SELECT parent, above, label, named_by, status, operator_status, first_at, seq FROM rebuild_accounts WHERE account = ?1',
    )
    .bind(account)
    .first<Row>();
  if (row === null) return undefined;
  return {
    parent: row.parent ?? undefined,
    ancestors: JSON.parse(row.above) as AccountId[],
    label: row.label ?? undefined,
    namedBy: row.named_by ?? undefined,
    status: row.status,
    operatorStatus: row.operator_status,
    firstAt: row.first_at,
    seq: row.seq,
  };
};
