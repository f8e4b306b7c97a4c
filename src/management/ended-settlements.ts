import { FOUND_WITHIN } from '../audit/projection-statements.ts';
import type { Seconds } from '../core/clock.ts';
import { ok, type Result } from '../core/result.ts';
import { archivedPlace, archivedRows, archivedStart } from './archived-call-list.ts';
import { callsByTime, callsOfAccount } from './call-list.ts';
import { type CallRow, type EndedPayment } from './call-row.ts';
import type { ListPage, PageRequest, QueryFault } from './page.ts';
import { conditions, scan, type Scan, scanInTurn, type SqlCondition } from './scan.ts';
import {
  type SettlementItem,
  settlementItem,
  type SettlementRow,
  untried,
} from './settlement-item.ts';
import {
  ended,
  factsOf,
  NO_TROUBLE,
  settledLate,
  type SettlementFilter,
} from './settlement-scan.ts';

type Settlements = Promise<Result<ListPage<SettlementItem>, QueryFault>>;

/** After every time that a payment can have. */
const NO_END: Seconds = 253_402_300_799;

type EndedFilter = SettlementFilter & { readonly state: EndedPayment };

/** Payments by the time of their end: those in D1, then those that only R2 has. */
export const endedSettlements = async (
  db: D1Database,
  filter: EndedFilter,
  page: PageRequest,
  bucket: R2Bucket | undefined,
): Settlements => {
  const { state, account, endedFrom = 0, endedTo = NO_END } = filter;
  const place = bucket && archivedPlace(page.after);
  if (bucket && place) {
    const within = { account, endedFrom, limit: page.limit };
    const found = await archivedRows(db, bucket, place, within, (row) => isWithin(row, filter));
    return found.ok
      ? ok({ ...found.value, items: found.value.items.map((row) => settlementItem(untried(row))) })
      : found;
  }
  const found = await (state === 'settled'
    ? settledBetween(db, filter, page)
    : unsettledBetween(db, { ...filter, state }, page));
  if (!found.ok || found.value.next !== undefined || bucket === undefined) return found;
  const next = await archivedStart(db, { endedFrom, endedTo });
  return next === undefined ? found : ok({ ...found.value, next });
};

/** Payments that settled within a day of their call's acceptance, in the order of acceptance, then all others by their own index. */
const settledBetween = async (
  db: D1Database,
  filter: SettlementFilter,
  page: PageRequest,
): Settlements => {
  const { account, endedFrom = 0, endedTo = NO_END } = filter;
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
      columns: `${calls.columns}, ${NO_TROUBLE}`,
      filters: [...calls.filters, ...settled, ['c.late IS NULL']],
    },
    {
      ...settledLate,
      range: { least: endedFrom, below: endedTo },
      filters: [...settled, ...conditions({ 'c.account = ?': account })],
    },
  ];
  return scanInTurn(db, lists, [endedTo, 0, '', ''], page, settlementItem);
};

/** Failed and released payments are few, so the filter by account scans all of them. */
const unsettledBetween = (
  db: D1Database,
  filter: SettlementFilter & { readonly state: 'failed' | 'released' },
  page: PageRequest,
): Settlements => {
  const list = ended(filter.state, filter.endedFrom, filter.endedTo);
  const filters = [...factsOf(filter), ...conditions({ 'c.account = ?': filter.account })];
  return scan(db, { ...list, filters }, page, settlementItem);
};

const isWithin = (row: CallRow, filter: EndedFilter): boolean => {
  const { state, tool, asset, endedFrom = 0, endedTo = NO_END } = filter;
  const at = row.payment_at ?? 0;
  return (
    row.payment === state &&
    at >= endedFrom &&
    at < endedTo &&
    (tool === undefined || row.tool === tool) &&
    (asset === undefined || row.asset === asset)
  );
};
