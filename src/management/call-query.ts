import type { AccountId } from '../protocol/account-id.ts';
import type { Hex } from '../core/hex.ts';
import type { Seconds } from '../core/clock.ts';
import { ok } from '../core/result.ts';
import { type Asked, attempt, type Page, type Queried } from './page.ts';
import { CALL_COLUMNS, callItem, type CallRow } from './call-row.ts';
import { conditions, scan, type Scan } from './scan.ts';

export type CallState = 'held' | 'committed' | 'released' | 'abandoned';
export type EndedPayment = 'settled' | 'failed' | 'released';

/** How a payment ended. */
export type PaymentItem = {
  readonly state: EndedPayment;
  readonly amount: bigint;
  /** How much of it is credit now. */
  readonly credited: bigint;
  readonly transaction?: Hex;
  readonly block?: number;
  readonly fault?: string;
  readonly reason?: string;
  readonly at: Seconds;
};

/** An accepted call, as its entries tell it so far. Amounts are atomic units. */
export type CallItem = {
  readonly account: AccountId;
  readonly call: Hex;
  readonly state: CallState;
  readonly tool?: string;
  readonly payee?: string;
  readonly request?: Hex;
  readonly binding?: string;
  readonly asset?: string;
  readonly price?: bigint;
  readonly paidBy?: string;
  readonly charged?: bigint;
  readonly success?: boolean;
  readonly status?: number;
  readonly digest?: Hex;
  readonly reason?: string;
  readonly policy?: Hex;
  /** Its tool fell silent, and keeps what it may have spent: `held` until an operator decides. */
  readonly kept?: 'held' | 'charged' | 'released';
  readonly acceptedAt?: Seconds;
  readonly endedAt?: Seconds;
  /** Seq of the newest entry that changed it. */
  readonly seq: number;
  /** Missing while the payment has not ended, and where there is none. */
  readonly payment?: PaymentItem;
};

export type CallFilter = {
  readonly account?: AccountId | undefined;
  readonly tool?: string | undefined;
  readonly state?: CallState | undefined;
  /** Accepted from this second on … */
  readonly from?: Seconds | undefined;
  /** … and before this one. */
  readonly to?: Seconds | undefined;
};

/** Calls by the time of their acceptance, newest first. */
export const listCalls = (
  db: D1Database,
  { account, tool, state, from, to, ...asked }: CallFilter & Asked,
): Queried<Page<CallItem>> =>
  attempt(() =>
    scan(
      db,
      {
        ...callsInTime(account, from, to),
        filters: conditions({ 'c.tool = ?': tool, 'c.state = ?': state }),
      },
      asked,
      callItem,
    ),
  );

/** One call, or undefined where D1 has none of that name. */
export const findCall = (
  db: D1Database,
  account: AccountId,
  call: Hex,
): Queried<CallItem | undefined> =>
  attempt(async () => {
    const row = await loadCall(db, account, call);
    return ok(row === null ? undefined : callItem(row));
  });

export const loadCall = (db: D1Database, account: AccountId, call: Hex): Promise<CallRow | null> =>
  db
    .prepare(`SELECT ${CALL_COLUMNS} FROM calls c ${PAYMENTS} WHERE c.account = ?1 AND c.call = ?2`)
    .bind(account, call)
    .first<CallRow>();

const PAYMENTS = 'LEFT JOIN payments p ON p.account = c.account AND p.call = c.call';

/** The calls of one account, or of all, by the index that has their times. */
export const callsInTime = (
  account: AccountId | undefined,
  from?: Seconds,
  to?: Seconds,
): Omit<Scan<CallRow>, 'filters'> => ({
  list: account === undefined ? 'calls' : 'calls of',
  index: `calls c INDEXED BY ${account === undefined ? 'calls_by_time' : 'calls_by_account'}`,
  key:
    account === undefined ? ['c.accepted_at', 'c.account', 'c.call'] : ['c.accepted_at', 'c.call'],
  shape: account === undefined ? ['number', 'string', 'string'] : ['number', 'string'],
  within: conditions({ 'c.account = ?': account }),
  // Also keeps out a row without a time, which has no place in this order.
  range: { least: from ?? 0, below: to },
  columns: CALL_COLUMNS,
  joins: PAYMENTS,
  placeOf: (row) =>
    account === undefined
      ? [row.accepted_at ?? 0, row.account, row.call]
      : [row.accepted_at ?? 0, row.call],
});
