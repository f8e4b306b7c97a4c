import type { AccountId } from '../protocol/account-id.ts';
import type { Seconds } from '../core/clock.ts';
import { acceptedAtOf, segmentOf } from '../settlement/stored-call.ts';
import type { CallUpdate } from './projection.ts';

/** Prefix of the tables that a projection is written to: those that lists read, or their copies in a rebuild (migration 0007). */
export type TablePrefix = '' | 'rebuild_';

/** Column and member of each fact of a call that a later entry may change. */
const FACTS = [
  ['seq', 'seq'],
  ['state', 'state'],
  ['tool', 'tool'],
  ['payee', 'payee'],
  ['audience', 'audience'],
  ['request', 'request'],
  ['binding', 'binding'],
  ['asset', 'asset'],
  ['price', 'price'],
  ['paid_by', 'paidBy'],
  ['charged', 'charged'],
  ['spent', 'spent'],
  ['refunded', 'refunded'],
  ['success', 'success'],
  ['status', 'status'],
  ['digest', 'digest'],
  ['reason', 'reason'],
  ['policy', 'policy'],
  ['kept', 'kept'],
  ['ended_at', 'endedAt'],
  ['transaction_hash', 'payment.transaction'],
  ['block', 'payment.block'],
] as const;

const member = (path: string): string => `value ->> '$.${path}'`;

/** Ledger totals find a payment by the acceptance of its call if the payment ends within this time after it. */
export const FOUND_WITHIN: Seconds = 86_400;

/** 1 if the payment ended too long after the acceptance of its call for ledger totals to find it by the acceptance. */
const lateSince = (acceptedAt: string): string =>
  `iif(${member('payment.at')} BETWEEN ${acceptedAt} AND ${acceptedAt} + ${FOUND_WITHIN}, NULL, 1)`;

/** Columns of the end of a payment, set only with an end. \`price\` and \`acceptedAt\`: SQL for these facts of the call. */
const endOf = (price: string, acceptedAt: string) =>
  [
    ['amount', `coalesce(${member('payment.amount')}, ${price}, 0)`],
    ['credited', `coalesce(${member('payment.credited')}, ${price}, 0)`],
    ['fault', member('payment.fault')],
    ['payment_reason', member('payment.reason')],
    ['payment_seq', member('payment.seq')],
    ['payment_at', member('payment.at')],
    ['late', lateSince(acceptedAt)],
  ] as const;

const IS_END = `${member('payment.seq')} IS NOT NULL`;
const IN_CHUNK = endOf(member('price'), member('acceptedAt'));
const STORED = endOf('price', 'stored.accepted_at');

/** Calls that the chunk accepts. A call that is already stored includes this chunk, and perhaps later ones. */
const insertAccepted = (into: TablePrefix): string => `
INSERT INTO ${into}calls (accepted_at, account, call, first_seq, segment, payment, ${[...FACTS, ...IN_CHUNK].map(([column]) => column).join(', ')})
SELECT ${member('acceptedAt')}, ?1, ${member('call')}, ${member('firstSeq')}, ${segmentOf(member('firstSeq'))}, ${member('payment.state')}, ${FACTS.map(([, path]) => member(path)).join(', ')},
  ${IN_CHUNK.map(([, value]) => `iif(${IS_END}, ${value}, NULL)`).join(', ')}
FROM json_each(?2) WHERE true
ON CONFLICT DO NOTHING`;

/** A payment that has ended is never open again. */
const PAYMENT_STATE = `iif(${IS_END}, ${member('payment.state')}, coalesce(payment, ${member('payment.state')}))`;

/** A settled payment that becomes credit keeps its time, which the entry of the credit does not have. */
const keepsTime = (column: string): boolean => column === 'payment_at' || column === 'late';

/**
 * Calls that an earlier chunk accepted. Sets no column of the key or of the index on the account, because D1 would bill another row.
 * Updates from entries older than the row change nothing. MATERIALIZED, because SQLite would otherwise begin with the rows of the account.
 */
const updateEarlier = (into: TablePrefix): string => `
WITH news AS MATERIALIZED (
  SELECT value, ${acceptedAtOf('?1', "value ->> 'call'", `${into}calls`)} AS accepted_at, ?1 AS account, value ->> 'call' AS call FROM json_each(?2)
)
UPDATE ${into}calls AS stored SET payment = ${PAYMENT_STATE},
  ${FACTS.map(([column, path]) => `${column} = coalesce(${member(path)}, ${column})`).join(', ')},
  ${STORED.map(([column, value]) => {
    const when = keepsTime(column)
      ? `${IS_END} AND payment IS NOT ${member('payment.state')}`
      : IS_END;
    return `${column} = iif(${when}, ${value}, ${column})`;
  }).join(', ')}
FROM news
WHERE stored.accepted_at = news.accepted_at AND stored.account = news.account AND stored.call = news.call
  AND max(coalesce(${member('seq')}, 0), coalesce(${member('payment.seq')}, 0)) > max(seq, coalesce(payment_seq, 0))`;

/** The statements that write a projection, each with all its calls as one JSON parameter. A call that was never accepted is ignored. */
export const projectionStatements = (
  db: D1Database,
  account: AccountId,
  calls: readonly CallUpdate[],
  into: TablePrefix = '',
): D1PreparedStatement[] => {
  const { accepted = [], earlier = [] } = Object.groupBy(calls, ({ firstSeq }) =>
    firstSeq === undefined ? 'earlier' : 'accepted',
  );
  return (
    [
      [insertAccepted(into), accepted],
      [updateEarlier(into), earlier],
    ] as const
  ).flatMap(([sql, some]) =>
    some.length === 0 ? [] : [db.prepare(sql).bind(account, JSON.stringify(some))],
  );
};
