import { encodeChunk } from '../../src/audit/chunk.ts';
import type { Hex } from '../../src/core/hex.ts';
import type { Seconds } from '../../src/core/clock.ts';
import type { AccountId } from '../../src/protocol/account-id.ts';
import { paidCalls } from '../unit/audit/history.ts';
import type { Size } from './size.ts';

/** A database to fill: D1, or its SQLite file. */
export type Fillable = {
  readonly run: (sql: string, ...values: readonly Value[]) => Promise<unknown>;
  readonly all: <Row>(sql: string) => Promise<readonly Row[]>;
};

type Value = string | number | Uint8Array;

/** What to fill the tables with. */
export type Filling = Size & {
  /** The ancestor of all other accounts. */
  readonly root: AccountId;
  /** The time at which the last call ended. */
  readonly until: Seconds;
  /** Every second call is in the second asset. */
  readonly assets: readonly [string, string];
  /** Number of accounts, from the first on, that already have a log. */
  readonly real: number;
};

const DAY = 86_400;
/** Number of days over which the calls are spread. */
export const DAYS = 90;
const OWNERS = 10;
/** Number of chunks of each account. */
const CHUNKS = 10;
const BLOCK = 100_000;
/** The account that makes half of all calls. */
export const BUSY = 57;
/** The id of that account's first call. */
export const BUSY_CALL: Hex = `0x${'00'.repeat(32)}`;

/** The nth account. The ten accounts below the root are each the parent of a tenth of the others. */
export const nth = (at: number): AccountId => `eip155:84532:0x${at.toString(16).padStart(40, '0')}`;

const NTH = (at: string) => `'eip155:84532:0x' || printf('%040x', ${at})`;
/** A cast, because D1 binds every number as a float. */
const int = (sql: string) => `CAST(${sql} AS INTEGER)`;

const N = `WITH RECURSIVE n(i) AS (SELECT ${int('?1')} UNION ALL SELECT i + 1 FROM n WHERE i < ?2)`;

/**
 * Fills the tables as many calls would, with one statement per table and block. Other tests compare the roll-up with its entries. Rows are
 * inserted in the order of the key (by time), half of the calls belong to one account, and call ids have no order.
 */
const CALLS = `
INSERT INTO calls (account, call, tool, payee, request, binding, asset, price, paid_by, charged, state, success, status, digest, reason,
  policy, accepted_at, ended_at, first_seq, segment, seq)
${N}, c AS (
  SELECT i, iif(i % 2 = 0, ${BUSY}, 1 + i / 2 % ${int('?3')}) AS nth, i / iif(i % 2 = 0, 2, 2 * ${int('?3')}) AS own,
    ${int('?4')} + i * ${int('?5')} / ${int('?6')} AS at FROM n
)
SELECT ${NTH('nth')}, printf('0x%064x', (i * 2654435761) % 4294967296), 'tool-' || (i % ${int('?7')}),
  printf('0x%040x', (i / 7) % 4), printf('0x%064x', i), 'intent', iif(i % 2 = 0, ?8, ?9), 20000, 'deferred',
  iif(i % 20 = 3, 0, 20000), CASE WHEN i % 1000 = 1 THEN 'held' WHEN i % 20 = 3 THEN 'released' ELSE 'committed' END,
  i % 20 <> 3, 200, printf('0x%064x', i), 'answered', printf('0x%064x', 7), at, iif(i % 1000 = 1, NULL, at), own * 3 + 1, (own * 3 + 1) / 4096, own * 3 + 2
FROM c`;

const PAYMENTS = `
UPDATE calls SET payment = CASE WHEN state = 'released' THEN 'released' WHEN (seq + accepted_at) % 2000 = 11 THEN 'open'
  WHEN (seq + accepted_at) % 500 = 7 THEN 'failed' ELSE 'settled' END
WHERE state <> 'held' AND accepted_at < ?1`;

const ENDS = `
UPDATE calls SET amount = price, credited = 0, transaction_hash = request, block = 7, payment_at = accepted_at + 9, payment_seq = seq + 1
WHERE payment <> 'open' AND accepted_at < ?1`;

const ACCOUNTS = `
INSERT INTO accounts (account, parent, above, label, operator_status, first_at, seq)
${N}
SELECT iif(i = 0, ?5, ${NTH('i')}), CASE WHEN i = 0 THEN NULL WHEN i <= ?3 THEN ?5 ELSE ${NTH(`1 + i % ${int('?3')}`)} END,
  CASE WHEN i = 0 THEN '[]' WHEN i <= ?3 THEN json_array(?5) ELSE json_array(${NTH(`1 + i % ${int('?3')}`)}, ?5) END,
  'agent ' || i, iif(i % 997 = 5, 'frozen', 'active'), ?4, 1
FROM n WHERE true
ON CONFLICT DO UPDATE SET parent = excluded.parent, above = excluded.above`;

const OWN = `
INSERT INTO spend (scope, kind, day, asset, tool, payee, above, rule, calls, charged, denied, failed, from_credit, earned)
SELECT c.account, 'own', date(ended_at, 'unixepoch'), asset, tool, payee, a.above, '', count(*), sum(charged), 0, sum(state <> 'committed'), 0, 0
FROM calls c JOIN accounts a ON a.account = c.account WHERE ended_at IS NOT NULL AND accepted_at < ?1 GROUP BY 1, 3, 4, 5, 6, 7`;

/** For each failed call, another one was denied. */
const DENIALS = `
INSERT OR IGNORE INTO spend (scope, kind, day, asset, tool, payee, above, rule, calls, charged, denied, failed, from_credit, earned)
SELECT scope, kind, day, asset, tool, payee, above, iif(calls % 2 = 0, 'rate', 'windows'), 0, 0, failed, 0, 0, 0
FROM spend WHERE kind = 'own' AND scope <> '*' AND failed > 0`;

const ALL = `
INSERT OR IGNORE INTO spend (scope, kind, day, asset, tool, payee, above, rule, calls, charged, denied, failed, from_credit, earned)
SELECT '*', 'own', day, asset, tool, payee, '[]', rule, sum(calls), sum(charged), sum(denied), sum(failed), 0, 0
FROM spend WHERE scope <> '*' AND kind = 'own' GROUP BY 3, 4, 5, 6, 8`;

const TREE = `
INSERT OR IGNORE INTO spend (scope, kind, day, asset, tool, payee, above, rule, calls, charged, denied, failed, from_credit, earned)
SELECT a.value, 'tree', day, asset, tool, payee, '[]', rule, sum(calls), sum(charged), sum(denied), sum(failed), 0, 0
FROM spend CROSS JOIN json_each(above) a WHERE kind = 'own' GROUP BY 1, 3, 4, 5, 6, 8`;

/** Dummy bodies of chunks, which no query reads. */
const CHUNKS_OF = `
INSERT INTO chunks ${N} SELECT ${NTH(`1 + i % ${int('?3')}`)}, 1 + i / ${int('?3')} * 3, 3 + i / ${int('?3')} * 3, printf('0x%064x', i), ?4, ?5 FROM n
WHERE i % ${int('?3')} >= ?6`;

const LETTERS = `
INSERT INTO dead_letters (id, queue, account, call, body, at, reason, redriven_at)
${N} SELECT 'letter-' || i, iif(i % 3 = 0, 'countersign-settlement', 'countersign-audit'), '', '', '{}', ?3 + i, 'retries exhausted',
  iif(i % 2 = 0, 1, NULL) FROM n`;

/** Drops the indexes while rows arrive in another order than theirs. @returns the statements that create them again */
const withoutIndexes = async ({ all, run }: Fillable): Promise<readonly string[]> => {
  const indexes = await all<{ name: string; sql: string }>(
    `SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = 'calls' AND sql IS NOT NULL`,
  );
  for (const { name } of indexes) await run(`DROP INDEX ${name}`);
  return indexes.map(({ sql }) => sql);
};

export const fill = async (
  database: Fillable,
  { calls, accounts, tools, root, until, assets, real }: Filling,
  print: (line: string) => void,
): Promise<void> => {
  const began = performance.now();
  const report = (what: string) => {
    print(`${what}: ${((performance.now() - began) / 1000).toFixed(1)} s`);
  };
  const { run } = database;
  const below = accounts - 1;
  await run(ACCOUNTS, 0, below, OWNERS, until, root);
  await run(
    'INSERT OR IGNORE INTO kin SELECT a.value, account FROM accounts CROSS JOIN json_each(above) a',
  );
  const first = until - DAYS * DAY;
  const indexes = await withoutIndexes(database);
  for (let from = 0; from < calls; from += BLOCK) {
    const to = Math.min(calls, from + BLOCK);
    await run(CALLS, from, to - 1, below, first, DAYS * DAY, calls, tools, ...assets);
    report(`${to} calls`);
  }
  for (const sql of [PAYMENTS, ENDS]) await run(sql, until);
  report('payments');
  for (const sql of indexes) await run(sql);
  report('indexes');
  await run(OWN, until);
  for (const sql of [DENIALS, ALL, TREE]) await run(sql);
  report('spend');
  const body = encodeChunk(paidCalls(nth(1), 1));
  for (let from = 0; from < below * CHUNKS; from += BLOCK) {
    const to = Math.min(below * CHUNKS, from + BLOCK);
    await run(CHUNKS_OF, from, to - 1, below, body, until, real);
  }
  await run(LETTERS, 1, 5_000, until);
  report('all');
};
