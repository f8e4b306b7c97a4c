import type { AccountId } from '../protocol/account-id.ts';
import type { Hex } from '../core/hex.ts';
import type { Seconds } from '../core/clock.ts';
import { callsInTime, type EndedPayment, type PaymentItem } from './call-query.ts';
import { type Asked, attempt, type Page, type Queried } from './page.ts';
import { CALL_COLUMNS, type CallRow, known, money, paymentItem } from './call-row.ts';
import { conditions, scan, type Scan } from './scan.ts';

/** `kept`: whatever its payment, the amount waits for an operator (law 4). */
export type SettlementState = 'open' | EndedPayment | 'kept';

/** A payment of a call: under way, or how it ended; or what a call keeps, of a payment or of credit. */
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
  /** While it is open, and has not settled at the first try. */
  readonly trouble?: Trouble;
};

/** How often a payment has been tried, and what went wrong. */
export type Trouble = {
  readonly attempts: number;
  /** Who was asked last: host of a facilitator, or `relayer`. */
  readonly backend?: string;
  readonly error?: string;
  /** Of the last try. */
  readonly at: Seconds;
};

export type SettlementFilter = {
  readonly state?: SettlementState | undefined;
  readonly account?: AccountId | undefined;
};

/** Payments, newest first: by acceptance of their call, or, when asked for failed or released ones of everybody, by their end. */
export const listSettlements = (
  db: D1Database,
  { state, account, ...asked }: SettlementFilter & Asked,
): Queried<Page<SettlementItem>> =>
  attempt(() => scan(db, scanOf(state, account), asked, settlementItem));

const scanOf = (
  state: SettlementState | undefined,
  account: AccountId | undefined,
): Scan<SettlementRow> => {
  if (state === 'kept') return kept(account);
  if (account === undefined && state === 'open') return OPEN;
  if (account === undefined && (state === 'failed' || state === 'released')) return ended(state);
  const calls = callsInTime(account);
  return {
    ...calls,
    list: `settlements ${calls.list}`,
    columns: `${calls.columns}, o.call IS NOT NULL AS open, ${TROUBLE_COLUMNS}`,
    joins: `${calls.joins} ${IS_OPEN} ${TROUBLES}`,
    filters:
      state === undefined
        ? [["(p.state IS NOT NULL OR o.call IS NOT NULL OR c.kept = 'held')"]]
        : state === 'open'
          ? [['o.call IS NOT NULL']]
          : [['p.state = ?', state], ["c.kept IS NOT 'held'"]],
  };
};

type SettlementRow = CallRow & TroubleRow & { readonly open: 0 | 1 };

export type TroubleRow = {
  readonly tries: number | null;
  readonly backend: string | null;
  readonly error: string | null;
  readonly tried_at: number | null;
};

export const TROUBLE_COLUMNS = 't.attempts AS tries, t.backend, t.error, t.at AS tried_at';
const TROUBLES = 'LEFT JOIN attempts t ON t.account = c.account AND t.call = c.call';
const NO_TROUBLE = 'NULL AS tries, NULL AS backend, NULL AS error, NULL AS tried_at';

const IS_OPEN =
  'LEFT JOIN open_payments o ON o.at = c.accepted_at AND o.account = c.account AND o.call = c.call';

const KEY_SHAPE = ['number', 'string', 'string'] as const;

const OPEN: Scan<SettlementRow> = {
  list: 'settlements open',
  index: 'open_payments o',
  key: ['o.at', 'o.account', 'o.call'],
  shape: KEY_SHAPE,
  within: [],
  range: { least: 0 },
  columns: `${CALL_COLUMNS}, 1 AS open, ${TROUBLE_COLUMNS}`,
  joins: `CROSS JOIN calls c ON c.account = o.account AND c.call = o.call
    LEFT JOIN payments p ON p.account = c.account AND p.call = c.call ${TROUBLES}`,
  filters: [],
  placeOf: (row) => [row.accepted_at ?? 0, row.account, row.call],
};

/** What waits for an operator is little: so is that of one account, found among all of it. */
const kept = (account: AccountId | undefined): Scan<SettlementRow> => ({
  ...callsInTime(undefined),
  list: 'settlements kept',
  index: 'calls c INDEXED BY calls_kept',
  within: [["c.kept = 'held'"]],
  columns: `${CALL_COLUMNS}, 0 AS open, ${NO_TROUBLE}`,
  filters: conditions({ 'c.account = ?': account }),
});

/** What did not settle, by the index that holds nothing else. */
const ended = (state: 'failed' | 'released'): Scan<SettlementRow> => ({
  list: `settlements ${state}`,
  index: 'payments p INDEXED BY payments_unsettled',
  key: ['p.at', 'p.account', 'p.call'],
  shape: KEY_SHAPE,
  within: [["p.state <> 'settled'"], ['p.state = ?', state]],
  range: { least: 0 },
  columns: `${CALL_COLUMNS}, 0 AS open, ${NO_TROUBLE}`,
  joins: 'CROSS JOIN calls c ON c.account = p.account AND c.call = p.call',
  filters: [],
  placeOf: (row) => [row.payment_at ?? 0, row.account, row.call],
});

const settlementItem = (row: SettlementRow): SettlementItem =>
  known({
    account: row.account,
    call: row.call,
    state: row.kept === 'held' ? ('kept' as const) : (row.payment_state ?? ('open' as const)),
    tool: row.tool,
    payee: row.payee,
    asset: row.asset,
    amount: money(row.amount ?? row.price),
    paidBy: row.paid_by,
    acceptedAt: row.accepted_at,
    endedAt: row.ended_at,
    payment: paymentItem(row),
    // Its row may outlive it for a while.
    trouble: row.open === 1 ? troubleOf(row) : null,
  });

export const troubleOf = ({ tries, backend, error, tried_at: at }: TroubleRow): Trouble | null =>
  tries === null ? null : { attempts: tries, at: at ?? 0, ...known({ backend, error }) };
