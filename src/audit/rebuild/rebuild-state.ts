import type { Seconds } from '../../core/clock.ts';
import type { Hex } from '../../core/hex.ts';
import type { AccountId } from '../../protocol/account-id.ts';
import { GENESIS } from '../entry.ts';

/**
 * Phases of a rebuild, in order: empty the copies; project each account; compare calls in R2; compare the rows of each account, then the
 * rows of several accounts; empty the copies.
 */
export type RebuildPhase =
  | 'empty'
  | 'project'
  | 'archived'
  | 'compare'
  | 'shared'
  | 'clean'
  | 'ended';

/** The newest rebuild, as D1 has it. */
export type RebuildState = {
  readonly run: string;
  readonly signer: string;
  readonly began_at: Seconds;
  readonly at: Seconds;
  readonly step: number;
  readonly phase: RebuildPhase;
  /** The last account that this phase has done; empty before the first one. */
  readonly account: string;
  /** 1: corrects what differs. */
  readonly apply: 0 | 1;
};

export const loadRebuild = async (db: D1Database): Promise<RebuildState | undefined> =>
  (await db
    .prepare('SELECT run, signer, began_at, at, step, phase, account, apply FROM rebuild')
    .first<RebuildState>()) ?? undefined;

/** Begins a rebuild in place of an ended or abandoned one. Does nothing if another rebuild began after `known` was read. */
export const beginRebuild = async (
  db: D1Database,
  next: Pick<RebuildState, 'run' | 'signer' | 'apply'>,
  known: RebuildState | undefined,
  now: Seconds,
): Promise<void> => {
  await db
    .prepare(
      `INSERT INTO rebuild (id, run, signer, began_at, at, step, phase, account, apply)
       VALUES (1, ?1, ?2, ?3, ?3, 0, 'empty', '', ?4)
       ON CONFLICT (id) DO UPDATE SET run = excluded.run, signer = excluded.signer, began_at = excluded.began_at,
         at = excluded.at, step = 0, phase = 'empty', account = '', apply = excluded.apply
       WHERE run = ?5 AND step = ?6`,
    )
    .bind(next.run, next.signer, now, next.apply, known?.run ?? '', known?.step ?? 0)
    .run();
};

/** The phase and place after a step. */
export type NextPlace = Pick<RebuildState, 'phase' | 'account'>;

/** An SQL condition, and its parameters from ?6 on. */
export type StepCondition = { readonly sql: string; readonly bound: readonly unknown[] };

/**
 * The first statement of a step's transaction.
 *
 * Race: two requests may take the same step, a takeover may begin another rebuild, and the gateway may store entries that a comparison would
 * miss. `step` is NOT NULL, so the transaction then fails as a whole.
 */
export const takeStep = (
  db: D1Database,
  { run, step }: RebuildState,
  { phase, account }: NextPlace,
  now: Seconds,
  only: StepCondition = { sql: 'true', bound: [] },
): D1PreparedStatement =>
  db
    .prepare(
      `UPDATE rebuild SET step = iif(run = ?1 AND step = ?2 AND (${only.sql}), ?2 + 1, NULL), phase = ?3, account = ?4, at = ?5`,
    )
    .bind(run, step, phase, account, now, ...only.bound);

/** Whether a transaction failed because another request took the step first. */
export const isLostStep = (thrown: unknown): boolean =>
  String(thrown).includes('NOT NULL constraint failed: rebuild.step');

/** The progress of the projection of an account's log. */
export type ProjectedHead = {
  readonly seq: number;
  readonly hash: Hex;
  readonly fault: 'missing' | 'broken' | null;
};

export const projectedHead = async (db: D1Database, account: AccountId): Promise<ProjectedHead> =>
  (await db
    .prepare('SELECT seq, hash, fault FROM rebuild_heads WHERE account = ?1')
    .bind(account)
    .first<ProjectedHead>()) ?? { ...GENESIS, fault: null };

/** SQL expression: the last seq that the gateway has stored of an account; 0 without one. `account`: an SQL expression. */
export const storedSeq = (account: string): string => `max(
  coalesce((SELECT c.last_seq FROM chunks c WHERE c.account = ${account} ORDER BY c.first_seq DESC LIMIT 1), 0),
  coalesce((SELECT r.last_seq FROM archived_ranges r WHERE r.account = ${account} ORDER BY r.first_seq DESC LIMIT 1), 0),
  coalesce((SELECT w.last_seq FROM archived w WHERE w.account = ${account}), 0))`;

/** SQL condition: the projection has every stored entry of an account. */
const isProjected = (account: string): string =>
  `${storedSeq(account)} = coalesce((SELECT h.seq FROM rebuild_heads h WHERE h.account = ${account}), 0)`;

/** SQL condition: every object of calls in R2 was compared. */
const ARE_OBJECTS_READ =
  'NOT EXISTS (SELECT 1 FROM archived_calls o WHERE NOT EXISTS (SELECT 1 FROM rebuild_objects d WHERE d.day = o.day AND d.part = o.part))';

/** SQL condition: the copies include every stored entry of an account. */
export const isComparable = (account: string): string =>
  `${ARE_OBJECTS_READ} AND ${isProjected(account)}`;

/** SQL query: the accounts that could be read, and have stored entries that are not in the copies. */
export const BEHIND = `
SELECT account FROM (SELECT account FROM accounts UNION SELECT account FROM rebuild_heads) a
WHERE NOT EXISTS (SELECT 1 FROM rebuild_heads f WHERE f.account = a.account AND f.fault IS NOT NULL)
  AND NOT (${isProjected('a.account')})`;

/** SQL condition: the copies include every stored entry of every account that could be read. */
export const ARE_ALL_COMPARABLE = `${ARE_OBJECTS_READ} AND NOT EXISTS (${BEHIND})`;

/** SQL condition: some entries could not be projected, or some archived calls not be read, so nothing may be corrected. */
export const HAS_FAULTS =
  '(EXISTS (SELECT 1 FROM rebuild_heads WHERE fault IS NOT NULL) OR EXISTS (SELECT 1 FROM rebuild_objects WHERE missing = 1))';
