import type { AccountId } from '../protocol/account-id.ts';
import type { Seconds } from '../core/clock.ts';
import type { Projection } from './projection.ts';

/** Column and member of each fact of a call that a later entry may add. */
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

/** Facts of the accepting entry only. Setting an indexed column again would be billed as an index row each time. */
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

/** Ledger totals find a payment by the acceptance of its call if the payment ends within this time after it. */
export const FOUND_WITHIN: Seconds = 86_400;

const PRICE = "(SELECT price FROM calls WHERE account = ?1 AND call = value ->> 'call')";

/** Whether the payment ended too long after the acceptance of its call for ledger totals to find it by the acceptance. */
const LATE = `(SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM calls WHERE account = ?1 AND call = value ->> 'call'
  AND value ->> 'at' BETWEEN accepted_at AND accepted_at + ${FOUND_WITHIN}))`;

/** A settled payment that becomes credit keeps its transaction and time, which the entry of the credit does not have. */
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

/** The plus keeps SQLite from using the index on time, which would scan all calls of the account. */
const OF_CALLS = `
SELECT accepted_at, account, call FROM calls
WHERE account = ?1 AND call IN (SELECT value FROM json_each(?2)) AND +accepted_at IS NOT NULL`;

const OPEN_PAYMENTS = `INSERT OR IGNORE INTO open_payments (at, account, call) ${OF_CALLS}`;
const CLOSE_PAYMENTS = `DELETE FROM open_payments WHERE (at, account, call) IN (${OF_CALLS})`;

/** The statements that write a projection: one per table, with all rows as one JSON parameter. */
export const projectionStatements = (
  db: D1Database,
  account: AccountId,
  { calls, payments, opened, closed }: Projection,
): D1PreparedStatement[] =>
  (
    [
      [UPSERT_CALLS, calls],
      [UPSERT_PAYMENTS, payments],
      // After the calls, whose `accepted_at` is in the key.
      [OPEN_PAYMENTS, opened],
      [CLOSE_PAYMENTS, closed],
    ] as const
  ).flatMap(([sql, rows]) =>
    rows.length === 0 ? [] : [db.prepare(sql).bind(account, JSON.stringify(rows))],
  );
