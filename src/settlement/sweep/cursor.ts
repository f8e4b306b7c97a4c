import type { Seconds } from '../../core/clock.ts';
import type { Network } from '../../protocol/account-id.ts';
import type { Blocks } from './blocks.ts';
import type { Sum } from './compare.ts';

/** The progress of a network's reconciliation: a row of `sweeps`. */
export type Cursor = {
  readonly network: Network;
  /** The first block that was never compared. */
  readonly next: number;
  /** Blocks that the node last returned in one answer. */
  readonly span: number;
  /** The daily second comparison of the last days: the blocks that remain. */
  readonly again?: { readonly next: number; readonly to: number };
  /** When the last daily comparison began. */
  readonly againAt: Seconds;
  /** When the node first refused the next block. */
  readonly stuckAt?: Seconds;
  /** When an alert last reported that the reconciliation makes no progress. */
  readonly behindAt?: Seconds;
};

/** `new`: blocks that were never compared. `again`: blocks of the last days. */
export type RunKind = 'new' | 'again';
/** `partial`: the next run continues, or a block was skipped. `stopped`: the node failed, and the next run continues. */
export type RunState = 'complete' | 'partial' | 'stopped';

/** The progress of one run: a row of `reconciliations`. */
export type Run = Blocks & {
  readonly at: Seconds;
  readonly network: Network;
  readonly kind: RunKind;
  readonly state: RunState;
  readonly chain: Sum;
  readonly ledger: Sum;
  readonly differences: number;
};

export const loadCursor = async (db: D1Database, network: Network): Promise<Cursor | undefined> => {
  const row = await db.prepare('SELECT * FROM sweeps WHERE network = ?1').bind(network).first<{
    readonly next_block: number;
    readonly span: number;
    readonly again_next: number | null;
    readonly again_to: number | null;
    readonly again_at: number;
    readonly stuck_at: number | null;
    readonly behind_at: number | null;
  }>();
  if (row === null) return undefined;
  const { again_next: next, again_to: to } = row;
  return {
    network,
    next: row.next_block,
    span: row.span,
    ...(next === null || to === null ? {} : { again: { next, to } }),
    againAt: row.again_at,
    ...(row.stuck_at === null ? {} : { stuckAt: row.stuck_at }),
    ...(row.behind_at === null ? {} : { behindAt: row.behind_at }),
  };
};

/** Race: two runs overlap. The maximum keeps one run from undoing the progress of the other. */
export const saveCursor = (
  db: D1Database,
  { network, next, span, again, againAt, stuckAt, behindAt }: Cursor,
): D1PreparedStatement =>
  db
    .prepare(
      `INSERT INTO sweeps (network, next_block, span, again_next, again_to, again_at, stuck_at, behind_at)
       VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (network) DO UPDATE SET
       next_block = max(next_block, excluded.next_block), span = excluded.span, again_next = excluded.again_next,
       again_to = excluded.again_to, again_at = max(again_at, excluded.again_at), stuck_at = excluded.stuck_at,
       behind_at = excluded.behind_at`,
    )
    .bind(
      ...[network, next, span, again?.next ?? null, again?.to ?? null, againAt],
      ...[stuckAt ?? null, behindAt ?? null],
    );

export const saveRun = (db: D1Database, run: Run): D1PreparedStatement =>
  db
    .prepare(
      `INSERT INTO reconciliations VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
       ON CONFLICT (at, network, kind) DO UPDATE SET state = excluded.state, to_block = excluded.to_block,
       chain_payments = excluded.chain_payments, chain_amount = excluded.chain_amount,
       ledger_payments = excluded.ledger_payments, ledger_amount = excluded.ledger_amount, differences = excluded.differences`,
    )
    .bind(
      run.at,
      run.network,
      run.kind,
      run.state,
      run.from,
      run.to,
      run.chain.payments,
      run.chain.amount.toString(),
      run.ledger.payments,
      run.ledger.amount.toString(),
      run.differences,
    );

const KEPT: Seconds = 90 * 86_400;

/** Deletes what is older than 90 days, except differences that need action. */
export const forgetOld = (db: D1Database, now: Seconds): readonly D1PreparedStatement[] => [
  db.prepare('DELETE FROM reconciliations WHERE at < ?1').bind(now - KEPT),
  db
    .prepare(
      `DELETE FROM differences INDEXED BY differences_by_time
       WHERE first_at < ?1 AND (resolved_at < ?1 OR (informational = 1 AND seen_at < ?1))`,
    )
    .bind(now - KEPT),
];
