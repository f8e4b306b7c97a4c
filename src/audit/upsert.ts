import type { AccountId } from '../protocol/account-id.ts';
import type { Seconds } from '../core/clock.ts';
import type { Projection } from './projection.ts';

/** Column and member of every fact of a call that a later entry may add. */
const CALL_FACTS = [
  ['tool', 'tool'],
  ['payee', 'payee'],
  ['request', 'request'],
  ['binding', 'binding'],
  ['asset', 'asset'],
  ['price', 'price'],
  ['paid_by', 'paidBy'],
  ['charged', 'charged'],
  ['success', 'success'],
  ['status', 'status'],
  ['digest', 'digest'],
  ['reason', 'reason'],
  ['policy', 'policy'],
  ['kept', 'kept'],
  ['ended_at', 'endedAt'],
] as const;

/** What only the entry says that accepts a call. A column that an index holds, and that is set, costs its index rows each time. */
const FIRST_FACTS = [
  ['first_seq', 'firstSeq'],
  ['accepted_at', 'acceptedAt'],
] as const;

const FACTS = [...CALL_FACTS, ...FIRST_FACTS];

const UPSERT_CALLS = `
INSERT INTO calls (account, call, seq, state, ${FACTS.map(([column]) => column).join(', ')})
SELECT ?1, value ->> 'call', value ->> 'seq', value ->> 'state',
  ${FACTS.map(([, member]) => `value ->> '${member}'`).join(', ')}
FROM json_each(?2) WHERE true
ON CONFLICT (account, call) DO UPDATE SET seq = excluded.seq, state = coalesce(excluded.state, state),
  ${CALL_FACTS.map(([column]) => `${column} = coalesce(excluded.${column}, ${column})`).join(', ')}
WHERE excluded.seq > calls.seq`;

/** Ledger totals find a payment by the acceptance of its call, if it ends within this time of it. */
export const FOUND_WITHIN: Seconds = 86_400;

const PRICE = "(SELECT price FROM calls WHERE account = ?1 AND call = value ->> 'call')";

/** Whether the payment ended too long after the acceptance of its call for ledger totals to find it by that. */
const LATE = `(SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM calls WHERE account = ?1 AND call = value ->> 'call'
  AND value ->> 'at' BETWEEN accepted_at AND accepted_at + ${FOUND_WITHIN}))`;

/** A settled payment that becomes credit later keeps its transaction and its time: the entry that says so has neither. */
const UPSERT_PAYMENTS = `
INSERT INTO payments (account, call, seq, state, amount, credited, transaction_hash, block, fault, reason, at, late)
SELECT ?1, value ->> 'call', value ->> 'seq', value ->> 'state',
  coalesce(value ->> 'amount', ${PRICE}, 0), coalesce(value ->> 'credited', ${PRICE}, 0),
  value ->> 'transaction', value ->> 'block', value ->> 'fault', value ->> 'reason', value ->> 'at', ${LATE}
FROM json_each(?2) WHERE true
ON CONFLICT (account, call) DO UPDATE SET seq = excluded.seq, state = excluded.state, amount = excluded.amount,
  credited = excluded.credited, transaction_hash = coalesce(excluded.transaction_hash, transaction_hash),
  block = coalesce(excluded.block, block), fault = excluded.fault, reason = excluded.reason,
  at = CASE WHEN state = excluded.state THEN at ELSE excluded.at END,
  late = CASE WHEN state = excluded.state THEN late ELSE excluded.late END
WHERE excluded.seq > payments.seq`;

/** The plus keeps SQLite from searching by time: it would walk every call that the account ever made. */
const OF_CALLS = `
SELECT accepted_at, account, call FROM calls
WHERE account = ?1 AND call IN (SELECT value FROM json_each(?2)) AND +accepted_at IS NOT NULL`;

const OPEN_PAYMENTS = `INSERT OR IGNORE INTO open_payments (at, account, call) ${OF_CALLS}`;
const CLOSE_PAYMENTS = `DELETE FROM open_payments WHERE (at, account, call) IN (${OF_CALLS})`;

/** Statements that bring a projection into its tables: one a table, whatever the number of rows: its rows travel as one JSON parameter. */
export const upserts = (
  db: D1Database,
  account: AccountId,
  { calls, payments, opened, closed }: Projection,
): D1PreparedStatement[] =>
  (
    [
      [UPSERT_CALLS, calls],
      [UPSERT_PAYMENTS, payments],
      // After the calls: the key holds when they were accepted.
      [OPEN_PAYMENTS, opened],
      [CLOSE_PAYMENTS, closed],
    ] as const
  ).flatMap(([sql, rows]) =>
    rows.length === 0 ? [] : [db.prepare(sql).bind(account, JSON.stringify(rows))],
  );
