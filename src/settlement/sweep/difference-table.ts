import type { Seconds } from '../../core/clock.ts';
import type { Network } from '../../protocol/account-id.ts';
import type { AlertBody } from '../../protocol/alert.ts';
import { type Blocks, chunks } from './blocks.ts';
import { type Difference, nameOf } from './difference.ts';

/** A known difference keeps the time when it was first seen. A resolved difference that reappears counts as new. */
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

/** The differences found in some blocks. `undecided`: nonces that could not be explained; their known differences stay. */
export type Findings = {
  readonly differences: readonly Difference[];
  readonly undecided: readonly string[];
};

/** Differences of one statement: D1 accepts a parameter of at most two million bytes. */
const ROWS = 1_000;

/** Statements that store the differences of some blocks and resolve those that no longer exist. */
export const saveFindings = (
  db: D1Database,
  network: Network,
  { from, to }: Blocks,
  { differences, undecided }: Findings,
  now: Seconds,
): readonly D1PreparedStatement[] => [
  ...chunks(differences, ROWS).map((some) =>
    db.prepare(UPSERT).bind(network, JSON.stringify(some.map(toRow)), now),
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

const toRow = ({ network: _, informational, chain, ledgerAmount, ...difference }: Difference) => ({
  ...difference,
  informational: informational ? 1 : 0,
  chain: chain?.toString(),
  ledgerAmount: ledgerAmount?.toString(),
});

/** Differences younger than this are rechecked in each run; older ones only with the last days. */
const PATIENCE: Seconds = 30 * 86_400;
const RECHECKS = 20;

/** A statement that puts the differences of a block last in the order of rechecks. */
export const saveRechecked = (
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

/** Blocks with a difference that a recheck may resolve, least recently rechecked first. */
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

/**
 * How many alerts about a single payment one run raises. A deep reorganisation may cause thousands of differences; one more alert counts
 * the rest.
 */
const ONE_BY_ONE = 10;

/**
 * Raises an alert for each difference that needs action, once. A difference is marked after its alert was raised, so a run that stops in
 * between raises it again.
 *
 * @returns the number of differences that were alerted.
 */
export const alertDifferences = async (
  db: D1Database,
  network: Network,
  raise: (alert: AlertBody) => Promise<boolean>,
  now: Seconds,
): Promise<number> => {
  const unalerted = await loadUnalerted(db, network);
  const alerted: Pick<Difference, 'subject' | 'kind'>[] = [];
  for (const each of unalerted.slice(0, ONE_BY_ONE))
    if (await raise(alertOf(each))) alerted.push(each);
  const rest = unalerted.slice(ONE_BY_ONE);
  if (rest.length > 0 && (await raise(summaryOf(network, rest, now)))) alerted.push(...rest);
  if (alerted.length > 0) await markAlerted(db, network, alerted, now).run();
  return alerted.length;
};

const alertOf = (each: Unalerted): AlertBody => ({
  rule: 'reconciliation',
  detail: {
    ...{ network: each.network, kind: each.kind, account: each.account },
    ...{ block: each.block, ledger: each.ledger, chain: each.chain ?? '0' },
    ...(each.call === null ? {} : { call: each.call }),
    ...(each.transaction === null ? {} : { transaction: each.transaction }),
  },
});

const summaryOf = (network: Network, rest: readonly Unalerted[], at: Seconds): AlertBody => ({
  rule: 'reconciliation',
  // `at` distinguishes two alerts with the same count.
  detail: { network, kind: 'more', differences: rest.length, at },
});

/** A difference without an alert. */
type Unalerted = Pick<
  Difference,
  'network' | 'subject' | 'kind' | 'account' | 'block' | 'ledger'
> & {
  readonly call: string | null;
  readonly transaction: string | null;
  readonly chain: string | null;
};

const loadUnalerted = async (db: D1Database, network: Network): Promise<readonly Unalerted[]> => {
  const { results } = await db
    .prepare(
      `SELECT network, subject, kind, account, call, transaction_hash AS "transaction", block, chain_amount AS chain, ledger
       FROM differences INDEXED BY differences_grave
       WHERE network = ?1 AND resolved_at IS NULL AND informational = 0 AND told_at IS NULL ORDER BY block LIMIT 1000`,
    )
    .bind(network)
    .all<Unalerted>();
  return results;
};

const markAlerted = (
  db: D1Database,
  network: Network,
  alerted: readonly Pick<Difference, 'subject' | 'kind'>[],
  now: Seconds,
): D1PreparedStatement =>
  db
    .prepare(
      `UPDATE differences SET told_at = ?3
       WHERE network = ?1 AND (subject, kind) IN (SELECT value ->> 0, value ->> 1 FROM json_each(?2))`,
    )
    .bind(network, JSON.stringify(alerted.map(({ subject, kind }) => [subject, kind])), now);
