import type { AccountId } from '../core/account-id.ts';
import type { Projection } from './projection.ts';

/** Column and member of every fact of a call that a later entry may add. */
const CALL_FACTS = [
  ['tool', 'tool'],
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
  ['accepted_at', 'acceptedAt'],
  ['ended_at', 'endedAt'],
] as const;

const UPSERT_CALLS = `
INSERT INTO calls (account, call, seq, state, ${CALL_FACTS.map(([column]) => column).join(', ')})
SELECT ?1, value ->> 'call', value ->> 'seq', value ->> 'state',
  ${CALL_FACTS.map(([, member]) => `value ->> '${member}'`).join(', ')}
FROM json_each(?2) WHERE true
ON CONFLICT (account, call) DO UPDATE SET seq = excluded.seq, state = coalesce(excluded.state, state),
  ${CALL_FACTS.map(([column]) => `${column} = coalesce(excluded.${column}, ${column})`).join(', ')}
WHERE excluded.seq > calls.seq`;

const PRICE = "(SELECT price FROM calls WHERE account = ?1 AND call = value ->> 'call')";

/** A settled payment that becomes credit later keeps its transaction and its time: the entry that says so has neither. */
const UPSERT_PAYMENTS = `
INSERT INTO payments (account, call, seq, state, amount, credited, transaction_hash, block, fault, reason, at)
SELECT ?1, value ->> 'call', value ->> 'seq', value ->> 'state',
  coalesce(value ->> 'amount', ${PRICE}, 0), coalesce(value ->> 'credited', ${PRICE}, 0),
  value ->> 'transaction', value ->> 'block', value ->> 'fault', value ->> 'reason', value ->> 'at'
FROM json_each(?2) WHERE true
ON CONFLICT (account, call) DO UPDATE SET seq = excluded.seq, state = excluded.state, amount = excluded.amount,
  credited = excluded.credited, transaction_hash = coalesce(excluded.transaction_hash, transaction_hash),
  block = coalesce(excluded.block, block), fault = excluded.fault, reason = excluded.reason,
  at = CASE WHEN state = excluded.state THEN at ELSE excluded.at END
WHERE excluded.seq > payments.seq`;

/** Statements that bring a projection into its tables: one a table, whatever the number of rows: its rows travel as one JSON parameter. */
export const upserts = (
  db: D1Database,
  account: AccountId,
  { calls, payments }: Projection,
): D1PreparedStatement[] => [
  ...(calls.length === 0 ? [] : [db.prepare(UPSERT_CALLS).bind(account, JSON.stringify(calls))]),
  ...(payments.length === 0
    ? []
    : [db.prepare(UPSERT_PAYMENTS).bind(account, JSON.stringify(payments))]),
];
