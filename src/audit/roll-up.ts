import type { Seconds } from '../core/clock.ts';
import type { Hex } from '../core/hex.ts';
import type { AccountId } from '../protocol/account-id.ts';
import { parseAmount, toStored } from '../protocol/amount.ts';
import type { Entry } from '../protocol/entry.ts';
import { acceptedAtOf } from '../settlement/stored-call.ts';
import { type AccountRow, rowAfter } from './account-row.ts';
import { creditMovement, type CreditMovement } from './credit-movement.ts';
import { dayOf } from './day.ts';
import { type Facts, factsOf } from '../protocol/log/facts.ts';
import { creditOf, stateOf } from './projection.ts';
import type { StoredHead } from './stored-chain.ts';
import type { TablePrefix } from './projection-statements.ts';

/**
 * An addition to `spend`: an ended call, a later decision about an ended call, or denials under one key. `call` stays because only the
 * call's row in D1 has its asset and payee; the statement looks them up.
 */
type Spent = {
  /** UTC day of the entry. */
  readonly day: string;
  readonly tool: string;
  /** Of denials, else empty. */
  readonly rule: string;
  /** The ancestors at that moment: an index into `lineages`. */
  readonly lineage: number;
  readonly call?: Hex;
  readonly calls: number;
  readonly charged: number;
  readonly denied: number;
  readonly failed: number;
  /** A refund returns credit as a separate movement: the credit that paid for the call stays spent. */
  readonly isRefund?: true;
};

/**
 * A settled payment of a call, or (`credited`) the part of it that became credit later: `part`, or all of it. `late`: the part that became
 * credit when it settled.
 */
type Paid = { readonly call: Hex } & (
  | { readonly amount?: number; readonly late: number }
  | { readonly credited: true; readonly part?: number }
);

/** A later decision about the charge of an ended call. Asset and payee are those of its row in D1. */
type ChargeChange = {
  readonly seq: number;
  readonly at: Seconds;
  readonly call: Hex;
  readonly kind: 'resolved' | 'refunded';
  readonly amount: number;
};

export type RollUp = {
  readonly spent: readonly Spent[];
  readonly paid: readonly Paid[];
  readonly changes: readonly ChargeChange[];
  /** Each list of ancestors that the account had during these entries. */
  readonly lineages: readonly (readonly AccountId[])[];
  /** The account's row after these entries. */
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
  const paid: Paid[] = [];
  const changes: ChargeChange[] = [];
  const read = entries.map(factsOf);
  for (const entry of read) {
    const next = rowAfter(row, entry);
    if (next.ancestors !== row.ancestors) lineages.push(next.ancestors);
    row = next;
    const key = {
      day: dayOf(entry.at),
      tool: entry.tool ?? '',
      rule: entry.type === 'call.denied' ? (entry.rule ?? '') : '',
      lineage: lineages.length - 1,
    };
    if (entry.type === 'call.denied') {
      const name = JSON.stringify(key);
      const denied = (denials.get(name)?.denied ?? 0) + (entry.count ?? 1);
      denials.set(name, { ...key, calls: 0, charged: 0, failed: 0, denied });
    } else if (entry.call !== undefined && isEnd(entry)) {
      const { call } = entry;
      const { charged: whole, credited }: Facts<'call.finished'>['amounts'] = entry.amounts;
      const charged = stored(whole) - stored(credited);
      ends.push({
        ...key,
        call,
        calls: 1,
        charged,
        failed: stateOf(entry) === 'committed' ? 0 : 1,
        denied: 0,
      });
    }
    const change = chargeChange(entry);
    if (change !== undefined) {
      const { call, amount: charged, kind } = change;
      const refund = kind === 'refunded' ? ({ isRefund: true } as const) : {};
      ends.push({ ...key, call, ...NOTHING, charged, ...refund });
      changes.push(change);
    }
    paid.push(...paidBy(entry));
  }
  const movements = read.flatMap((entry) => creditMovement(entry) ?? []);
  return { spent: [...ends, ...denials.values()], paid, changes, lineages, row, movements };
};

const chargeChange = (entry: Facts): ChargeChange | undefined => {
  const { call, seq, at } = entry;
  if (call === undefined) return undefined;
  if (entry.type === 'call.refunded')
    return { seq, at, call, kind: 'refunded', amount: -stored(entry.amounts.amount) };
  if (entry.type !== 'call.resolved') return undefined;
  const amount = stored(entry.amounts.charged) - stored(entry.amounts.before);
  return amount === 0 ? undefined : { seq, at, call, kind: 'resolved', amount };
};

const paidBy = (entry: Facts): readonly Paid[] => {
  const { call } = entry;
  if (call === undefined) return [];
  const credit = creditOf(entry);
  if (credit !== undefined) {
    const part = credit === 'all' ? {} : { part: stored(credit.part) };
    return [{ call, credited: true, ...part }];
  }
  if (entry.type !== 'payment.settled') return [];
  const { amount } = entry.amounts;
  const late = stored(entry.payment.credited);
  return [{ call, late, ...(amount === undefined ? {} : { amount: stored(amount) }) }];
};

const NOTHING = { calls: 0, charged: 0, denied: 0, failed: 0 } as const;

/** Each call ends in one entry. An upfront call whose payment cannot settle ends with it; a late answer ends nothing. */
const isEnd = (
  entry: Facts,
): entry is Facts<'call.finished' | 'call.abandoned' | 'payment.failed' | 'payment.released'> =>
  entry.type === 'call.finished' ||
  entry.type === 'call.abandoned' ||
  ((entry.type === 'payment.failed' || entry.type === 'payment.released') &&
    entry.decision !== undefined);

const stored = (value: string | undefined): number => toStored(parseAmount(value ?? '0') ?? 0n);

/** The statements that write a roll-up. The account's row is written only if it changed. */
export const rollUpStatements = (
  db: D1Database,
  account: AccountId,
  { spent, paid, changes, lineages, row, movements }: RollUp,
  { row: known }: Pick<StoredHead, 'row'>,
  into: TablePrefix = '',
): D1PreparedStatement[] => [
  ...(spent.length + paid.length === 0
    ? []
    : [
        db
          .prepare(addSpent(into))
          .bind(account, JSON.stringify(spent), JSON.stringify(lineages), JSON.stringify(paid)),
      ]),
  ...(changes.length === 0
    ? []
    : [db.prepare(addChanges(into)).bind(account, JSON.stringify(changes))]),
  ...(movements.length === 0
    ? []
    : [db.prepare(addMovements(into)).bind(account, JSON.stringify(movements))]),
  ...(row === known ? [] : putAccount(db, account, row, lineages.flat(), into)),
];

const putAccount = (
  db: D1Database,
  account: AccountId,
  { parent, ancestors, label, namedBy, status, operatorStatus, firstAt, seq }: AccountRow,
  everAncestors: readonly AccountId[],
  into: TablePrefix,
): D1PreparedStatement[] => {
  const named = [label ?? null, namedBy ?? null];
  const values = [JSON.stringify(ancestors), ...named, status, operatorStatus, firstAt, seq];
  return [
    db.prepare(putRow(into)).bind(account, parent ?? null, ...values),
    ...(everAncestors.length === 0
      ? []
      : [db.prepare(addKin(into)).bind(account, JSON.stringify(everAncestors))]),
  ];
};

/** The row of the call that an addition names. */
const ofCall = (into: TablePrefix): string =>
  `c.accepted_at = ${acceptedAtOf('?1', "value ->> 'call'", `${into}calls`)} AND c.account = ?1 AND c.call = value ->> 'call'`;

/**
 * Adds to `spend`, one row per key: for the account, for each ancestor, and for all accounts together; the last one also gets the earnings
 * from payments, on the day of their settlement. The addition happens once because the insert of the chunk, in the same transaction, fails
 * if its entries are stored already.
 */
const addSpent = (into: TablePrefix): string => `
WITH spent AS MATERIALIZED (
  SELECT value ->> 'day' AS day, coalesce(c.asset, '') AS asset, coalesce(value ->> 'tool', c.tool, '') AS tool,
    coalesce(c.payee, '') AS payee, json_extract(?3, '$[' || (value ->> 'lineage') || ']') AS above, value ->> 'rule' AS rule,
    sum(value ->> 'calls') AS calls, sum(value ->> 'charged') AS charged, sum(value ->> 'denied') AS denied,
    sum(value ->> 'failed') AS failed,
    sum(CASE WHEN c.paid_by = 'credit' AND value ->> 'isRefund' IS NULL THEN value ->> 'charged' ELSE 0 END) AS from_credit,
    sum(CASE WHEN c.paid_by IN ('credit', 'lent') OR value ->> 'isRefund' IS NOT NULL THEN value ->> 'charged' ELSE 0 END) AS earned
  FROM json_each(?2) LEFT JOIN ${into}calls c ON ${ofCall(into)}
  GROUP BY 1, 2, 3, 4, 5, 6
)
INSERT INTO ${into}spend (scope, kind, day, asset, tool, payee, above, rule, calls, charged, denied, failed, from_credit, earned)
SELECT scope, kind, day, asset, tool, payee, above, rule, sum(calls), sum(charged), sum(denied), sum(failed), sum(from_credit), sum(earned)
FROM (
  SELECT ?1 AS scope, 'own' AS kind, day, asset, tool, payee, above, rule, calls, charged, denied, failed, from_credit, 0 AS earned FROM spent
  UNION ALL
  SELECT '*', 'own', day, asset, tool, payee, '[]', rule, calls, charged, denied, failed, from_credit, earned FROM spent
  UNION ALL
  SELECT a.value, 'tree', day, asset, tool, payee,
    (SELECT json_group_array(value ORDER BY key) FROM json_each(spent.above) WHERE key > a.key), rule, calls, charged, denied, failed, from_credit, 0
  FROM spent CROSS JOIN json_each(spent.above) a
  UNION ALL
  SELECT '*', 'own', date(c.payment_at, 'unixepoch'), coalesce(c.asset, ''), coalesce(c.tool, ''), coalesce(c.payee, ''), '[]', '', 0, 0, 0, 0, 0,
    iif(value ->> 'credited' IS NULL, coalesce(value ->> 'amount', c.price, 0) - (value ->> 'late'), -coalesce(value ->> 'part', c.amount))
  FROM json_each(?4) CROSS JOIN ${into}calls c ON ${ofCall(into)} AND c.payment_at IS NOT NULL
) WHERE true GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
ON CONFLICT DO UPDATE SET calls = calls + excluded.calls, charged = charged + excluded.charged,
  denied = denied + excluded.denied, failed = failed + excluded.failed,
  from_credit = from_credit + excluded.from_credit, earned = earned + excluded.earned`;

/** Adds to `charge_changes`, with the facts of each call's row. */
const addChanges = (into: TablePrefix): string => `
INSERT INTO ${into}charge_changes (account, seq, at, call, kind, asset, tool, payee, paid_by, amount)
SELECT ?1, value ->> 'seq', value ->> 'at', value ->> 'call', value ->> 'kind', coalesce(c.asset, ''), coalesce(c.tool, ''),
  coalesce(c.payee, ''), coalesce(c.paid_by, ''), value ->> 'amount'
FROM json_each(?2) LEFT JOIN ${into}calls c ON ${ofCall(into)}`;

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
INSERT INTO ${into}accounts (account, parent, above, label, named_by, status, operator_status, first_at, seq)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
ON CONFLICT (account) DO UPDATE SET parent = excluded.parent, above = excluded.above, label = excluded.label,
  named_by = excluded.named_by,  status = excluded.status, operator_status = excluded.operator_status, seq = excluded.seq`;

const addKin = (into: TablePrefix): string =>
  `INSERT OR IGNORE INTO ${into}kin (ancestor, account) SELECT value, ?1 FROM json_each(?2)`;
