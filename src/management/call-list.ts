import { FOUND_WITHIN } from '../audit/projection-statements.ts';
import type { Seconds } from '../core/clock.ts';
import { ok, type Result } from '../core/result.ts';
import type { AccountId } from '../protocol/account-id.ts';
import {
  archivedPlace,
  archivedStart,
  type CallFilter,
  listArchivedCalls,
  NO_END,
} from './archived-call-list.ts';
import {
  CALL_COLUMNS,
  OPERATORS_CALL_COLUMNS,
  callItemOf,
  type CallItem,
  type CallRow,
} from './call-row.ts';
import { segmentsBetween } from './call-segments.ts';
import { attempt, type ListPage, type PageRequest, type Queried, type QueryFault } from './page.ts';
import { conditions, scan, scanInTurn, type Scan, type SqlCondition } from './scan.ts';

/** Lists calls by time of acceptance, newest first: those in D1, then those that only R2 has. */
export const listCalls = (
  db: D1Database,
  { after, limit, ...filter }: CallFilter & PageRequest,
  bucket?: R2Bucket,
): Queried<ListPage<CallItem>> =>
  attempt(async () => {
    const archived = { ...filter, limit };
    const place = bucket && archivedPlace(after);
    if (bucket && place) return listArchivedCalls(db, bucket, place, archived);
    const { endedFrom, endedTo } = filter;
    const found =
      endedFrom === undefined && endedTo === undefined
        ? await acceptedCalls(db, filter, { after, limit })
        : await endedCalls(db, filter, { after, limit });
    if (!found.ok || found.value.next !== undefined || bucket === undefined) return found;
    const next = await archivedStart(db, archived);
    return next === undefined ? found : ok({ ...found.value, next });
  });

type Calls = Promise<Result<ListPage<CallItem>, QueryFault>>;

const acceptedCalls = async (db: D1Database, filter: CallFilter, page: PageRequest): Calls => {
  const list = await scanOf(db, filter, filter.from, filter.to);
  return scan(db, { ...list, filters: [...list.filters, ...factsOf(filter)] }, page, callItemOf);
};

/**
 * Calls by the time of their end: those that ended within a day of their acceptance, in the order of acceptance, then the others by their
 * own index.
 */
const endedCalls = async (db: D1Database, filter: CallFilter, page: PageRequest): Calls => {
  const { account, endedFrom = 0, endedTo = NO_END } = filter;
  const facts: readonly SqlCondition[] = [
    ...factsOf(filter),
    ['c.ended_at >= ?', endedFrom],
    ['c.ended_at < ?', endedTo],
    // A call that waited for a person and never ran has one entry, and is in no total.
    ['c.seq > c.first_seq'],
  ];
  const soon = await scanOf(db, filter, Math.max(0, endedFrom - FOUND_WITHIN), endedTo);
  const lists = [
    {
      ...soon,
      list: `${soon.list} ended`,
      filters: [...soon.filters, ...facts, [`c.ended_at BETWEEN ${A_DAY}`]],
    },
    {
      ...(account === undefined ? ENDED_LATE : endedLateOf(account)),
      range: { least: endedFrom, below: endedTo },
      filters: facts,
    },
  ] as const;
  const start = [endedTo, 0, ...(account === undefined ? [''] : []), ''];
  return scanInTurn<CallRow, CallItem>(db, lists, start, page, callItemOf);
};

const A_DAY = `c.accepted_at AND c.accepted_at + ${FOUND_WITHIN}`;

const ENDED_LATE: Omit<Scan<CallRow>, 'range'> = {
  list: 'calls ended late',
  index: 'calls c INDEXED BY calls_ended_late',
  key: ['c.ended_at', 'c.accepted_at', 'c.account', 'c.call'],
  shape: ['number', 'number', 'string', 'string'],
  // Repeats the condition of the index word for word: otherwise SQLite does not use a partial index.
  within: [[`c.ended_at NOT BETWEEN ${A_DAY}`]],
  columns: OPERATORS_CALL_COLUMNS,
  joins: '',
  filters: [],
  placeOf: (row) => [row.ended_at ?? 0, row.accepted_at, row.account, row.call],
};

/**
 * Late-ended calls of one account, by a separate index. Attack: a filter by account would read the rows of all accounts, and the cursor,
 * which names the last row read, would show an owner the accounts and calls of others (CWE-200).
 */
const endedLateOf = (account: AccountId): typeof ENDED_LATE => ({
  ...ENDED_LATE,
  list: 'calls of ended late',
  index: 'calls c INDEXED BY calls_ended_late_of_account',
  key: ['c.ended_at', 'c.accepted_at', 'c.call'],
  shape: ['number', 'number', 'string'],
  within: [...ENDED_LATE.within, ['c.account = ?', account]],
  columns: CALL_COLUMNS,
  placeOf: (row) => [row.ended_at ?? 0, row.accepted_at, row.call],
});

export const factsOf = ({
  tool,
  state,
  payee,
  asset,
  paidBy,
}: CallFilter): readonly SqlCondition[] => [
  ...conditions({
    ...{ 'c.tool = ?': tool, 'c.payee = ?': payee, 'c.asset = ?': asset, 'c.paid_by = ?': paidBy },
    'c.state = ?': state === 'failed' ? undefined : state,
  }),
  ...(state === 'failed' ? [FAILED] : []),
];

const FAILED: SqlCondition = ["c.state IN ('released', 'abandoned')"];

const scanOf = async (
  db: D1Database,
  { account }: CallFilter,
  from?: Seconds,
  to?: Seconds,
): Promise<Scan<CallRow>> =>
  account === undefined ? callsByTime(from, to) : await callsOfAccount(db, account, from, to);

/** The scan of all calls, in the order of the key. */
export const callsByTime = (from?: Seconds, to?: Seconds): Scan<CallRow> => ({
  list: 'calls',
  index: 'calls c',
  key: ['c.accepted_at', 'c.account', 'c.call'],
  shape: ['number', 'string', 'string'],
  within: [],
  range: { least: from ?? 0, below: to },
  columns: OPERATORS_CALL_COLUMNS,
  joins: '',
  filters: [],
  placeOf: (row) => [row.accepted_at, row.account, row.call],
});

/** The scan of one account's calls, segment by segment of its log. */
export const callsOfAccount = async (
  db: D1Database,
  account: AccountId,
  from?: Seconds,
  to?: Seconds,
): Promise<Scan<CallRow>> => ({
  list: 'calls of',
  index: 'calls c INDEXED BY calls_of_account',
  key: ['c.segment', 'c.accepted_at', 'c.call'],
  shape: ['number', 'number', 'string'],
  within: [['c.account = ?', account]],
  range: await segmentsBetween(db, account, from, to),
  columns: CALL_COLUMNS,
  joins: '',
  filters: conditions({ 'c.accepted_at >= ?': from, 'c.accepted_at < ?': to }),
  placeOf: (row) => [row.segment, row.accepted_at, row.call],
});
