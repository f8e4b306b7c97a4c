import type { Hex } from '../core/hex.ts';
import type { AccountId } from '../protocol/account-id.ts';
import { parseAmount, toStored } from '../protocol/amount.ts';
import type { Entry } from '../protocol/entry.ts';
import { acceptedAtOf } from '../settlement/stored-call.ts';
import { type AccountRow, rowAfter } from './account-row.ts';
import { creditMovement, type CreditMovement } from './credit-movement.ts';
import { dayOf } from './day.ts';
import { stateOf } from './projection.ts';
import type { StoredHead } from './stored-chain.ts';
import type { TablePrefix } from './table-prefix.ts';

/**
 * An addition to `spend`: an ended call, a later decision about an ended call, or denials under one key. `call` stays because only the
 * call's row in D1 has its asset and payee; the statement looks them up.
 */
type Spent = {
  /** UTC day of the entry. */
  readonly day: string;
  readonly tool: string;
  /** The ancestors at that moment: an index into `lineages`. */
  readonly lineage: number;
  readonly call?: Hex;
  readonly calls: number;
  readonly charged: number;
  readonly denied: number;
  readonly failed: number;
  /** A refund gives back credit as a movement of its own: the credit that paid for the call stays spent. */
  readonly isRefund?: true;
};

export type RollUp = {
  readonly spent: readonly Spent[];
  /** Each list of ancestors that the account had during these entries. */
  readonly lineages: readonly (readonly AccountId[])[];
  /** The account after them. */
  readonly row: AccountRow;
  readonly movements: readonly CreditMovement[];
};

/**
 * Rolls up entries in the order of the chain, from the row of the account before them: a call counts for the ancestors that the account had
 * when it ended. Pure.
 *
 * @throws RangeError for an amount that is not a safe integer
 */
export const rollUp = (entries: readonly Entry[], before: AccountRow): RollUp => {
  let row = before;
  const lineages = [before.ancestors];
  const denials = new Map<string, Spent>();
  const ends: Spent[] = [];
  for (const entry of entries) {
    const next = rowAfter(row, entry);
    if (next.ancestors !== row.ancestors) lineages.push(next.ancestors);
    row = next;
    const key = { day: dayOf(entry.at), tool: entry.tool ?? '', lineage: lineages.length - 1 };
    if (entry.type === 'call.denied') {
      const name = JSON.stringify(key);
      const denied = (denials.get(name)?.denied ?? 0) + (entry.count ?? 1);
      denials.set(name, { ...key, calls: 0, charged: 0, failed: 0, denied });
    } else if (entry.call !== undefined && isEnd(entry)) {
      const { amounts, call } = entry;
      const charged = stored(amounts?.charged) - stored(amounts?.credited);
      ends.push({
        ...key,
        call,
        calls: 1,
        charged,
        failed: stateOf(entry) === 'committed' ? 0 : 1,
        denied: 0,
      });
    } else if (entry.call !== undefined && entry.type === 'call.resolved') {
      const charged = stored(entry.amounts?.charged) - stored(entry.amounts?.before);
      if (charged !== 0) ends.push({ ...key, call: entry.call, ...NOTHING, charged });
    } else if (entry.call !== undefined && entry.type === 'call.refunded') {
      const charged = -stored(entry.amounts?.amount);
      ends.push({ ...key, call: entry.call, ...NOTHING, charged, isRefund: true });
    }
  }
  const movements = entries.flatMap((entry) => creditMovement(entry) ?? []);
  return { spent: [...ends, ...denials.values()], lineages, row, movements };
};

const NOTHING = { calls: 0, charged: 0, denied: 0, failed: 0 } as const;

/** Each call ends in one entry. An upfront call whose payment cannot settle ends with it; a late answer ends nothing. */
const isEnd = ({ type, decision }: Entry): boolean =>
  type === 'call.finished' ||
  type === 'call.abandoned' ||
  ((type === 'payment.failed' || type === 'payment.released') && decision !== undefined);

const stored = (value: string | undefined): number => toStored(parseAmount(value ?? '0') ?? 0n);

/** The statements that write a roll-up. The account's row is written only if it changed. */
export const rollUpStatements = (
  db: D1Database,
  account: AccountId,
  { spent, lineages, row, movements }: RollUp,
  { row: known }: Pick<StoredHead, 'row'>,
  into: TablePrefix = '',
): D1PreparedStatement[] => [
  ...(spent.length === 0
    ? []
    : [db.prepare(addSpent(into)).bind(account, JSON.stringify(spent), JSON.stringify(lineages))]),
  ...(movements.length === 0
    ? []
    : [db.prepare(addMovements(into)).bind(account, JSON.stringify(movements))]),
  ...(row === known ? [] : putAccount(db, account, row, lineages.flat(), into)),
];

const putAccount = (
  db: D1Database,
  account: AccountId,
  { ancestors, label, status, operatorStatus, firstAt, seq }: AccountRow,
  everAncestors: readonly AccountId[],
  into: TablePrefix,
): D1PreparedStatement[] => {
  const values = [JSON.stringify(ancestors), label ?? null, status, operatorStatus, firstAt, seq];
  return [
    db.prepare(putRow(into)).bind(account, ancestors[0] ?? null, ...values),
    ...(everAncestors.length === 0
      ? []
      : [db.prepare(addKin(into)).bind(account, JSON.stringify(everAncestors))]),
  ];
};

/** The row of the call that an addition names. */
const ofCall = (into: TablePrefix): string =>
  `c.accepted_at = ${acceptedAtOf('?1', "value ->> 'call'", `${into}calls`)} AND c.account = ?1 AND c.call = value ->> 'call'`;

/**
 * Adds to `spend`, one row per key: for the account, for all accounts, and for each ancestor. The addition happens once because the insert
 * of the chunk, in the same transaction, fails if its entries are stored already.
 */
const addSpent = (into: TablePrefix): string => `
WITH spent AS MATERIALIZED (
  SELECT value ->> 'day' AS day, coalesce(c.asset, '') AS asset, coalesce(value ->> 'tool', c.tool, '') AS tool,
    coalesce(c.payee, '') AS payee, json_extract(?3, '$[' || (value ->> 'lineage') || ']') AS above,
    sum(value ->> 'calls') AS calls, sum(value ->> 'charged') AS charged, sum(value ->> 'denied') AS denied,
    sum(value ->> 'failed') AS failed,
    sum(CASE WHEN c.paid_by = 'credit' AND value ->> 'isRefund' IS NULL THEN value ->> 'charged' ELSE 0 END) AS from_credit
  FROM json_each(?2) LEFT JOIN ${into}calls c ON ${ofCall(into)}
  GROUP BY 1, 2, 3, 4, 5
)
INSERT INTO ${into}spend (scope, kind, day, asset, tool, payee, above, calls, charged, denied, failed, from_credit)
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
const addMovements = (into: TablePrefix): string => `
INSERT INTO ${into}credit_movements (day, asset, line, count, amount)
SELECT value ->> 'day', coalesce(value ->> 'asset', c.asset, ''), value ->> 'line', count(*),
  sum(coalesce(value ->> 'amount', c.price, 0))
FROM json_each(?2) LEFT JOIN ${into}calls c ON ${ofCall(into)}
GROUP BY 1, 2, 3
ON CONFLICT DO UPDATE SET count = count + excluded.count, amount = amount + excluded.amount`;

/** Writes the whole row: if another consumer changed it meanwhile, the insert of the chunk fails. */
const putRow = (into: TablePrefix): string => `
INSERT INTO ${into}accounts (account, parent, above, label, status, operator_status, first_at, seq)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
ON CONFLICT (account) DO UPDATE SET parent = excluded.parent, above = excluded.above, label = excluded.label,
  status = excluded.status, operator_status = excluded.operator_status, seq = excluded.seq`;

const addKin = (into: TablePrefix): string =>
  `INSERT OR IGNORE INTO ${into}kin (ancestor, account) SELECT value, ?1 FROM json_each(?2)`;
