import { FOUND_WITHIN } from '../audit/projection-statements.ts';
import type { Seconds } from '../core/clock.ts';
import type { Hex } from '../core/hex.ts';
import { ok, type Result } from '../core/result.ts';
import type { AccountId } from '../protocol/account-id.ts';
import { archivedPlace, archivedStart, archivedRows } from './archived-call-list.ts';
import { callsByTime, callsOfAccount } from './call-list.ts';
import { amountOf, CALL_COLUMNS, type CallRow, paymentItem, type PaymentItem } from './call-row.ts';
import {
  attempt,
  type ListPage,
  type PageRequest,
  type Queried,
  type QueryFault,
  withoutNulls,
} from './page.ts';
import { conditions, scan, scanInTurn, type Scan, type SqlCondition } from './scan.ts';
import {
  type SettlementState,
  type Trouble,
  TROUBLE_COLUMNS,
  troubleOf,
  type TroubleRow,
} from './settlement-body.ts';

/** A payment that is open or has ended, or the amount that a silent tool keeps. */
export type SettlementItem = {
  readonly account: AccountId;
  readonly call: Hex;
  readonly state: SettlementState;
  readonly tool?: string;
  readonly payee?: string;
  readonly asset?: string;
  readonly amount?: bigint;
  readonly paidBy?: string;
  readonly acceptedAt?: Seconds;
  readonly endedAt?: Seconds;
  readonly payment?: PaymentItem;
  /** Only for an open payment that did not settle at the first attempt. */
  readonly trouble?: Trouble;
};

export type SettlementFilter = {
  readonly state?: SettlementState | undefined;
  readonly account?: AccountId | undefined;
  /** At or after this second of the list's order. */
  readonly from?: Seconds | undefined;
  /** Before this second of the list's order. */
  readonly to?: Seconds | undefined;
  readonly tool?: string | undefined;
  readonly asset?: string | undefined;
  /** Settled at or after this second: the payments that the total of a day counts, those that a silent tool keeps among them. */
  readonly endedFrom?: Seconds | undefined;
  /** Settled before this second. */
  readonly endedTo?: Seconds | undefined;
};

/** Lists payments, newest first: by acceptance of their call; failed or released ones of all accounts by their end. */
export const listSettlements = (
  db: D1Database,
  { after, limit, ...filter }: SettlementFilter & PageRequest,
  bucket?: R2Bucket,
): Queried<ListPage<SettlementItem>> =>
  attempt(async () => {
    const page = { after, limit };
    if ((filter.endedFrom ?? filter.endedTo) !== undefined) {
      return settledBetween(db, filter, page, bucket);
    }
    const list = await scanOf(db, filter);
    const filters = [...list.filters, ...factsOf(filter)];
    return scan(db, { ...list, filters }, page, settlementItem);
  });

const factsOf = ({ tool, asset }: SettlementFilter): readonly SqlCondition[] =>
  conditions({ 'c.tool = ?': tool, 'c.asset = ?': asset });

type Settlements = Promise<Result<ListPage<SettlementItem>, QueryFault>>;

/** After every time that a payment can have. */
const NO_END: Seconds = 253_402_300_799;

/**
 * Payments by the time of their settlement: those that settled within a day of the acceptance of their call, in the order of acceptance,
 * then the others by their own index, then those that only R2 has.
 */
const settledBetween = async (
  db: D1Database,
  filter: SettlementFilter,
  { after, limit }: PageRequest,
  bucket: R2Bucket | undefined,
): Settlements => {
  const { account, endedFrom = 0, endedTo = NO_END } = filter;
  const place = bucket && archivedPlace(after);
  if (bucket && place) {
    const archived = { account, endedFrom, limit };
    const found = await archivedRows(db, bucket, place, archived, (row) => isSettled(row, filter));
    return found.ok
      ? ok({ ...found.value, items: found.value.items.map((row) => settlementItem(untried(row))) })
      : found;
  }
  const settled: readonly SqlCondition[] = [
    ["c.payment = 'settled'"],
    ['c.payment_at >= ?', endedFrom],
    ['c.payment_at < ?', endedTo],
    ...factsOf(filter),
  ];
  const from = Math.max(0, endedFrom - FOUND_WITHIN);
  const calls =
    account === undefined
      ? callsByTime(from, endedTo)
      : await callsOfAccount(db, account, from, endedTo);
  const lists: readonly [Scan<SettlementRow>, Scan<SettlementRow>] = [
    {
      ...(calls as Scan<SettlementRow>),
      list: `settled ${calls.list}`,
      columns: `${CALL_COLUMNS}, ${NO_TROUBLE}`,
      filters: [...calls.filters, ...settled, ['c.late IS NULL']],
    },
    {
      ...settledLate,
      range: { least: endedFrom, below: endedTo },
      filters: [...settled, ...conditions({ 'c.account = ?': account })],
    },
  ];
  const page = { after, limit };
  const found = await scanInTurn(db, lists, [endedTo, 0, '', ''], page, settlementItem);
  if (!found.ok || found.value.next !== undefined || bucket === undefined) return found;
  const next = await archivedStart(db, { endedFrom, endedTo });
  return next === undefined ? found : ok({ ...found.value, next });
};

const isSettled = (row: CallRow, filter: SettlementFilter): boolean => {
  const { tool, asset, endedFrom = 0, endedTo = NO_END } = filter;
  const at = row.payment_at ?? 0;
  return (
    row.payment === 'settled' &&
    at >= endedFrom &&
    at < endedTo &&
    (tool === undefined || row.tool === tool) &&
    (asset === undefined || row.asset === asset)
  );
};

/** An archived payment has ended, so no attempt of it is pending. */
const untried = (row: CallRow): SettlementRow => ({
  ...row,
  ...{ tries: null, backend: null, error: null, tried_at: null },
});

const scanOf = async (
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
    columns: `${CALL_COLUMNS}, ${TROUBLE_COLUMNS}`,
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

type SettlementRow = CallRow & TroubleRow;

const TROUBLES = 'LEFT JOIN attempts t ON t.account = c.account AND t.call = c.call';
const NO_TROUBLE = 'NULL AS tries, NULL AS backend, NULL AS error, NULL AS tried_at';

const settledLate: Omit<Scan<SettlementRow>, 'range'> = {
  list: 'settled late',
  index: 'calls c INDEXED BY calls_late',
  key: ['c.payment_at', 'c.accepted_at', 'c.account', 'c.call'],
  shape: ['number', 'number', 'string', 'string'],
  within: [['c.late = 1']],
  columns: `${CALL_COLUMNS}, ${NO_TROUBLE}`,
  joins: '',
  filters: [],
  placeOf: (row) => [row.payment_at ?? 0, row.accepted_at, row.account, row.call],
};

const open = (from?: Seconds, to?: Seconds): Scan<SettlementRow> => ({
  ...callsByTime(from, to),
  list: 'settlements open',
  index: 'calls c INDEXED BY calls_open',
  within: [["c.payment = 'open'"]],
  columns: `${CALL_COLUMNS}, ${TROUBLE_COLUMNS}`,
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
  columns: `${CALL_COLUMNS}, ${NO_TROUBLE}`,
  filters: conditions({ 'c.account = ?': account }),
});

/** Failed or released payments, by their own index. */
const ended = (
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
  columns: `${CALL_COLUMNS}, ${NO_TROUBLE}`,
  joins: '',
  filters: [],
  placeOf: (row) => [row.payment_at ?? 0, row.accepted_at, row.account, row.call],
});

const settlementItem = (row: SettlementRow): SettlementItem =>
  withoutNulls({
    account: row.account,
    call: row.call,
    state: row.kept === 'held' ? ('kept' as const) : (row.payment ?? ('open' as const)),
    tool: row.tool,
    payee: row.payee,
    asset: row.asset,
    amount: amountOf(row.amount ?? row.price),
    paidBy: row.paid_by,
    acceptedAt: row.accepted_at,
    endedAt: row.ended_at,
    payment: paymentItem(row),
    // The row in `attempts` may outlive the open payment for a while.
    trouble: row.payment === 'open' ? troubleOf(row) : null,
  });
