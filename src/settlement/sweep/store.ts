import type { Network } from '../../protocol/account-id.ts';
import type { Seconds } from '../../core/clock.ts';
import type { Sum } from './compare.ts';
import { type Difference, nameOf } from './difference.ts';
import { type Blocks, chunks } from './window.ts';

/** Where the sweep of a network stands. */
export type Cursor = {
  readonly network: Network;
  /** The first block that was never compared. */
  readonly next: number;
  /** Blocks that the node gave at once, when last asked. */
  readonly span: number;
  /** The last days once more: the blocks that are still to be compared. */
  readonly again?: { readonly next: number; readonly to: number };
  readonly againAt: Seconds;
  /** Since when the node refuses the next block. */
  readonly stuckAt?: Seconds;
  /** When it was last told that the sweep stands still. */
  readonly behindAt?: Seconds;
};

export type RunKind = 'new' | 'again';
export type RunState = 'complete' | 'partial' | 'stopped';

/** What a run has compared so far: a row of `reconciliations`. */
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

/** Two runs may overlap: what one has compared the other does not take back. */
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

/** A difference stays for as long as somebody should look at it, and everything else a quarter of a year. */
export const forgetOld = (db: D1Database, now: Seconds): readonly D1PreparedStatement[] => [
  db.prepare('DELETE FROM reconciliations WHERE at < ?1').bind(now - KEPT),
  db
    .prepare(
      `DELETE FROM differences INDEXED BY differences_by_time
       WHERE first_at < ?1 AND (resolved_at < ?1 OR (informational = 1 AND seen_at < ?1))`,
    )
    .bind(now - KEPT),
];

/** Known ones stay as they were first seen; one that had been resolved is new again. */
const UPSERT = `
INSERT INTO differences (network, subject, kind, informational, account, call, transaction_hash, block, log, chain_amount, ledger,
  ledger_amount, ledger_transaction, ledger_block, first_at, seen_at)
SELECT ?1, value ->> 'subject', value ->> 'kind', value ->> 'informational', value ->> 'account', value ->> 'call',
  value ->> 'transaction', value ->> 'block', value ->> 'log', value ->> 'chain', value ->> 'ledger', value ->> 'ledgerAmount',
  value ->> 'ledgerTransaction', value ->> 'ledgerBlock', ?3, ?3
FROM json_each(?2) WHERE true
ON CONFLICT (network, subject, kind) DO UPDATE SET informational = excluded.informational,
  transaction_hash = excluded.transaction_hash, block = excluded.block, log = excluded.log, chain_amount = excluded.chain_amount,
  ledger = excluded.ledger, ledger_amount = excluded.ledger_amount, ledger_transaction = excluded.ledger_transaction,
  ledger_block = excluded.ledger_block, seen_at = excluded.seen_at,
  first_at = CASE WHEN resolved_at IS NULL THEN first_at ELSE excluded.seen_at END,
  told_at = CASE WHEN resolved_at IS NULL THEN told_at END, resolved_at = NULL`;

const RESOLVE = `
UPDATE differences INDEXED BY differences_open SET resolved_at = ?4
WHERE network = ?1 AND block BETWEEN ?2 AND ?3 AND resolved_at IS NULL
  AND subject || ' ' || kind NOT IN (SELECT value FROM json_each(?5)) AND subject NOT IN (SELECT value FROM json_each(?6))`;

/** What was seen in some blocks. `undecided`: nonces of which nobody knows now; what was known of them stays. */
export type Seen = {
  readonly differences: readonly Difference[];
  readonly undecided: readonly string[];
};

/** Differences of one statement: its one parameter holds at most two million bytes. */
const ROWS = 1_000;

/** Keeps what differs in some blocks, and resolves what does so no more. */
export const saveSeen = (
  db: D1Database,
  network: Network,
  { from, to }: Blocks,
  { differences, undecided }: Seen,
  now: Seconds,
): readonly D1PreparedStatement[] => [
  ...chunks(differences, ROWS).map((some) =>
    db.prepare(UPSERT).bind(network, JSON.stringify(some.map(stored)), now),
  ),
  db
    .prepare(RESOLVE)
    .bind(
      network,
      from,
      to,
      now,
      JSON.stringify(differences.map(nameOf)),
      JSON.stringify(undecided),
    ),
];

const stored = ({ network: _, informational, chain, ledgerAmount, ...difference }: Difference) => ({
  ...difference,
  informational: informational ? 1 : 0,
  chain: chain?.toString(),
  ledgerAmount: ledgerAmount?.toString(),
});

/** Differences younger than this are looked at again in each run, seconds; older ones with the last days only. */
const PATIENCE: Seconds = 30 * 86_400;
const RECHECKS = 20;

/** Puts the differences of a block last among those to look at again. */
export const saveLooked = (
  db: D1Database,
  network: Network,
  block: number,
  now: Seconds,
): D1PreparedStatement =>
  db
    .prepare(
      `UPDATE differences INDEXED BY differences_grave SET seen_at = ?3
       WHERE network = ?1 AND block = ?2 AND resolved_at IS NULL AND informational = 0`,
    )
    .bind(network, block, now);

/** Blocks with a difference that a look may mend: those not looked at for longest. */
export const openBlocks = async (
  db: D1Database,
  network: Network,
  now: Seconds,
): Promise<readonly number[]> => {
  const { results } = await db
    .prepare(
      `SELECT block FROM differences INDEXED BY differences_grave
       WHERE network = ?1 AND resolved_at IS NULL AND informational = 0 AND kind IN ('unrecorded', 'missing') AND first_at > ?2
       GROUP BY block ORDER BY min(seen_at), block LIMIT ${RECHECKS}`,
    )
    .bind(network, now - PATIENCE)
    .all<{ block: number }>();
  return results.map(({ block }) => block);
};

/** A difference of which no alert was raised yet. */
export type Untold = Pick<
  Difference,
  'network' | 'subject' | 'kind' | 'account' | 'block' | 'ledger'
> & {
  readonly call: string | null;
  readonly transaction: string | null;
  readonly chain: string | null;
};

export const loadUntold = async (db: D1Database, network: Network): Promise<readonly Untold[]> => {
  const { results } = await db
    .prepare(
      `SELECT network, subject, kind, account, call, transaction_hash AS "transaction", block, chain_amount AS chain, ledger
       FROM differences INDEXED BY differences_grave
       WHERE network = ?1 AND resolved_at IS NULL AND informational = 0 AND told_at IS NULL ORDER BY block LIMIT 1000`,
    )
    .bind(network)
    .all<Untold>();
  return results;
};

export const markTold = (
  db: D1Database,
  network: Network,
  told: readonly Pick<Difference, 'subject' | 'kind'>[],
  now: Seconds,
): D1PreparedStatement =>
  db
    .prepare(
      `UPDATE differences SET told_at = ?3
       WHERE network = ?1 AND (subject, kind) IN (SELECT value ->> 0, value ->> 1 FROM json_each(?2))`,
    )
    .bind(network, JSON.stringify(told.map(({ subject, kind }) => [subject, kind])), now);
