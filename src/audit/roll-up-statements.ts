import type { AccountId } from '../protocol/account-id.ts';
import type { AccountRow } from './account-row.ts';
import type { RollUp } from './roll-up.ts';
import type { StoredHead } from './stored-chain.ts';

/**
 * Adds to `spend`, one row per key: for the account, for all accounts, and for each ancestor. The addition happens once because the insert
 * of the chunk, in the same transaction, fails if its entries are stored already.
 */
const ADD_SPENT = `
WITH spent AS MATERIALIZED (
  SELECT value ->> 'day' AS day, coalesce(c.asset, '') AS asset, coalesce(value ->> 'tool', c.tool, '') AS tool,
    coalesce(c.payee, '') AS payee, json_extract(?3, '$[' || (value ->> 'lineage') || ']') AS above,
    sum(value ->> 'calls') AS calls, sum(value ->> 'charged') AS charged, sum(value ->> 'denied') AS denied,
    sum(value ->> 'failed') AS failed,
    sum(CASE WHEN c.paid_by = 'credit' THEN value ->> 'charged' ELSE 0 END) AS from_credit
  FROM json_each(?2) LEFT JOIN calls c ON c.account = ?1 AND c.call = value ->> 'call'
  GROUP BY 1, 2, 3, 4, 5
)
INSERT INTO spend (scope, kind, day, asset, tool, payee, above, calls, charged, denied, failed, from_credit)
SELECT scope, kind, day, asset, tool, payee, above, sum(calls), sum(charged), sum(denied), sum(failed), sum(from_credit) FROM (
  SELECT ?1 AS scope, 'own' AS kind, * FROM spent
  UNION ALL
  SELECT '*', 'own', day, asset, tool, payee, '[]', calls, charged, denied, failed, from_credit FROM spent
  UNION ALL
  SELECT a.value, 'tree', day, asset, tool, payee, '[]', calls, charged, denied, failed, from_credit
  FROM spent CROSS JOIN json_each(spent.above) a
) GROUP BY 1, 2, 3, 4, 5, 6, 7
ON CONFLICT DO UPDATE SET calls = calls + excluded.calls, charged = charged + excluded.charged,
  denied = denied + excluded.denied, failed = failed + excluded.failed,
  from_credit = from_credit + excluded.from_credit`;

/** Adds to `credit_movements`. Amount and asset come from the call's row if the entry has none. */
const ADD_MOVEMENTS = `
INSERT INTO credit_movements (day, asset, line, count, amount)
SELECT value ->> 'day', coalesce(value ->> 'asset', c.asset, ''), value ->> 'line', count(*),
  sum(coalesce(value ->> 'amount', c.price, 0))
FROM json_each(?2) LEFT JOIN calls c ON c.account = ?1 AND c.call = value ->> 'call'
GROUP BY 1, 2, 3
ON CONFLICT DO UPDATE SET count = count + excluded.count, amount = amount + excluded.amount`;

/** Writes the whole row: if another consumer changed it meanwhile, the insert of the chunk fails. */
const PUT_ACCOUNT = `
INSERT INTO accounts (account, parent, above, label, status, operator_status, first_at, seq)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
ON CONFLICT (account) DO UPDATE SET parent = excluded.parent, above = excluded.above, label = excluded.label,
  status = excluded.status, operator_status = excluded.operator_status, seq = excluded.seq`;

const ADD_KIN = 'INSERT OR IGNORE INTO kin (ancestor, account) SELECT value, ?1 FROM json_each(?2)';

/** The statements that write a roll-up. The account's row is written only if it changed. */
export const rollUpStatements = (
  db: D1Database,
  account: AccountId,
  { spent, lineages, row, movements }: RollUp,
  { row: known }: Pick<StoredHead, 'row'>,
): D1PreparedStatement[] => [
  ...(spent.length === 0
    ? []
    : [db.prepare(ADD_SPENT).bind(account, JSON.stringify(spent), JSON.stringify(lineages))]),
  ...(movements.length === 0
    ? []
    : [db.prepare(ADD_MOVEMENTS).bind(account, JSON.stringify(movements))]),
  ...(row === known ? [] : put(db, account, row, lineages.flat())),
];

const put = (
  db: D1Database,
  account: AccountId,
  { ancestors, label, status, operatorStatus, firstAt, seq }: AccountRow,
  everAncestors: readonly AccountId[],
): D1PreparedStatement[] => {
  const values = [JSON.stringify(ancestors), label ?? null, status, operatorStatus, firstAt, seq];
  return [
    db.prepare(PUT_ACCOUNT).bind(account, ancestors[0] ?? null, ...values),
    ...(everAncestors.length === 0
      ? []
      : [db.prepare(ADD_KIN).bind(account, JSON.stringify(everAncestors))]),
  ];
};
