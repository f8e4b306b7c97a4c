import type { Seconds } from '../core/clock.ts';
import type { AccountId } from '../protocol/account-id.ts';
import { callsByTime, callsOfAccount } from './call-list.ts';
import { OPERATORS_CALL_COLUMNS } from './call-row.ts';
import { conditions, type Scan, type SqlCondition } from './scan.ts';
import { type SettlementState, TROUBLE_COLUMNS } from './settlement-body.ts';
import type { SettlementRow } from './settlement-item.ts';

export type SettlementFilter = {
  readonly state?: SettlementState | undefined;
  readonly account?: AccountId | undefined;
  /** At or after this second of the list's order. */
  readonly from?: Seconds | undefined;
  /** Before this second of the list's order. */
  readonly to?: Seconds | undefined;
  readonly tool?: string | undefined;
  readonly asset?: string | undefined;
  /** Settled, failed or released at or after this second: the payments that a total counts, including those that a silent tool keeps. */
  readonly endedFrom?: Seconds | undefined;
  /** Settled, failed or released before this second. */
  readonly endedTo?: Seconds | undefined;
};

export const factsOf = ({ tool, asset }: SettlementFilter): readonly SqlCondition[] =>
  conditions({ 'c.tool = ?': tool, 'c.asset = ?': asset });

/** The scan of a list in its own order. */
export const settlementScan = async (
  db: D1Database,
  { state, account, from, to }: SettlementFilter,
): Promise<Scan<SettlementRow>> => {
  if (state === 'kept') return kept(account, from, to);
  if (account === undefined && state === 'open') return open(from, to);
  if (account === undefined && (state === 'failed' || state === 'released'))
    return ended(state, from, to);
  const calls =
    account === undefined ? callsByTime(from, to) : await callsOfAccount(db, account, from, to);
  return {
    ...calls,
    list: `settlements ${calls.list}`,
    columns: `${calls.columns}, ${TROUBLE_COLUMNS}`,
    joins: TROUBLES,
    filters: [...calls.filters, ...paymentFilters(state)],
  };
};

const paymentFilters = (state: SettlementState | undefined): Scan<SettlementRow>['filters'] => {
  if (state === undefined) return [["(c.payment IS NOT NULL OR c.kept = 'held')"]];
  return state === 'open'
    ? [["c.payment = 'open'"]]
    : [['c.payment = ?', state], ["c.kept IS NOT 'held'"]];
};

/** The newest attempt of each payment, by the primary key. */
const TROUBLES = `LEFT JOIN attempts t ON t.account = c.account AND t.call = c.call AND t.attempt = (
  SELECT max(n.attempt) FROM attempts n WHERE n.account = c.account AND n.call = c.call)`;
/** Replaces `TROUBLE_COLUMNS` if no payment is open. */
export const NO_TROUBLE = 'NULL AS tries, NULL AS backend, NULL AS error, NULL AS tried_at';

export const settledLate: Omit<Scan<SettlementRow>, 'range'> = {
  list: 'settled late',
  index: 'calls c INDEXED BY calls_late',
  key: ['c.payment_at', 'c.accepted_at', 'c.account', 'c.call'],
  shape: ['number', 'number', 'string', 'string'],
  within: [['c.late = 1']],
  columns: `${OPERATORS_CALL_COLUMNS}, ${NO_TROUBLE}`,
  joins: '',
  filters: [],
  placeOf: (row) => [row.payment_at ?? 0, row.accepted_at, row.account, row.call],
};

const open = (from?: Seconds, to?: Seconds): Scan<SettlementRow> => ({
  ...callsByTime(from, to),
  list: 'settlements open',
  index: 'calls c INDEXED BY calls_open',
  within: [["c.payment = 'open'"]],
  columns: `${OPERATORS_CALL_COLUMNS}, ${TROUBLE_COLUMNS}`,
  joins: TROUBLES,
});

/** Kept amounts are few, so the filter by account scans all of them. */
const kept = (
  account: AccountId | undefined,
  from?: Seconds,
  to?: Seconds,
): Scan<SettlementRow> => ({
  ...callsByTime(from, to),
  list: 'settlements kept',
  index: 'calls c INDEXED BY calls_kept',
  within: [["c.kept = 'held'"]],
  columns: `${OPERATORS_CALL_COLUMNS}, ${NO_TROUBLE}`,
  filters: conditions({ 'c.account = ?': account }),
});

/** Failed or released payments, by their own index. */
export const ended = (
  state: 'failed' | 'released',
  from?: Seconds,
  to?: Seconds,
): Scan<SettlementRow> => ({
  list: `settlements ${state}`,
  index: 'calls c INDEXED BY calls_unsettled',
  key: ['c.payment_at', 'c.accepted_at', 'c.account', 'c.call'],
  shape: ['number', 'number', 'string', 'string'],
  within: [["c.payment IN ('failed', 'released')"], ['c.payment = ?', state]],
  range: { least: from ?? 0, below: to },
  columns: `${OPERATORS_CALL_COLUMNS}, ${NO_TROUBLE}`,
  joins: '',
  filters: [],
  placeOf: (row) => [row.payment_at ?? 0, row.accepted_at, row.account, row.call],
});
