import { archiveBucket } from '../audit/archive/archive-bucket.ts';
import type { Seconds } from '../core/clock.ts';
import type { Hex } from '../core/hex.ts';
import { withoutUndefined } from '../core/without-undefined.ts';
import type { AccountId } from '../protocol/account-id.ts';
import { asOf } from './as-of.ts';
import { amountOf, CALL_COLUMNS, type CallRow, paymentItem, type PaymentItem } from './call-row.ts';
import { callBody, callsByTime, callsOfAccount } from './call.ts';
import { outcomeBody, sendCommand } from './command.ts';
import { deadLetterBody } from './dead-letter.ts';
import type { Handler, Handlers } from './handler.ts';
import { attempt, type ListPage, type PageRequest, type Queried, withoutNulls } from './page.ts';
import { queryReason, refuse, reply, replyPage } from './reply.ts';
import type { AnswerOf } from './routes.ts';
import { conditions, scan, type Scan } from './scan.ts';
import {
  settlementBody,
  settlementState,
  type SettlementState,
  type Trouble,
  TROUBLE_COLUMNS,
  troubleOf,
  type TroubleRow,
} from './settlement-body.ts';
import { settlementStory } from './settlement-story.ts';
import type { SETTLEMENT_ROUTES } from './settlement.route.ts';

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
};

/** Lists payments, newest first: by acceptance of their call; failed or released ones of all accounts by their end. */
export const listSettlements = (
  db: D1Database,
  { state, account, from, to, ...page }: SettlementFilter & PageRequest,
): Queried<ListPage<SettlementItem>> =>
  attempt(async () =>
    scan(db, await scanOf(db, { state, account, from, to }), page, settlementItem),
  );

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

const list: Handler<'settlements.list'> = async ({ context, query, request, now }) => {
  const complete = await asOf(context, query.account, now);
  const found = await listSettlements(context.db, query);
  if (!found.ok) return refuse(queryReason(found.error));
  const { items, next } = found.value;
  return replyPage(request, {
    items: items.map((item) => settlementBody(item, now)),
    next,
    asOf: complete,
  });
};

const get: Handler<'settlements.get'> = async ({ context, params, now }) => {
  const found = await settlementStory(
    context.db,
    params.account,
    params.call,
    archiveBucket(context.env),
  );
  if (!found.ok) return refuse(queryReason(found.error));
  if (found.value === undefined) return refuse({ reason: 'unknown_call' });
  const { call, open, trouble, deadLetters, entries } = found.value;
  const state = settlementState(call, open);
  if (state === undefined) {
    return refuse({ reason: 'unknown_document', what: 'payment of this call' });
  }
  const body: AnswerOf<'settlements.get'> = {
    settlement: settlementBody({ ...call, state, ...withoutUndefined({ trouble }) }, now),
    call: callBody(call),
    entries: entries as unknown as AnswerOf<'settlements.get'>['entries'],
    dead_letters: deadLetters.map(deadLetterBody),
  };
  return reply(body);
};

/** Presents an open payment again, now. Only its account has the signature to do so (law 9). */
const redrive: Handler<'settlements.redrive'> = async ({ context, params, by, intent }) => {
  const { account, call } = params;
  const applied = await sendCommand(context, account, { kind: 'redrive', call, by, intent });
  return applied.ok ? reply(outcomeBody(applied.value)) : applied;
};

const writeOff: Handler<'settlements.writeoff'> = async ({ context, params, body, by, intent }) => {
  const { account, call } = params;
  const command = { kind: 'writeOff', call, reason: body.reason, by, intent } as const;
  const applied = await sendCommand(context, account, command);
  return applied.ok ? reply(outcomeBody(applied.value)) : applied;
};

/** Ends the hold of a silent tool, once the operator knows whether it did its work (law 4). */
const resolve: Handler<'settlements.resolve'> = async ({ context, params, body, by, intent }) => {
  const { account, call } = params;
  const { charge, reason } = body;
  const command = { kind: 'resolve', call, charge, reason, by, intent } as const;
  const applied = await sendCommand(context, account, command);
  return applied.ok ? reply(outcomeBody(applied.value)) : applied;
};

export const settlementHandlers: Handlers<keyof typeof SETTLEMENT_ROUTES> = {
  'settlements.list': list,
  'settlements.get': get,
  'settlements.redrive': redrive,
  'settlements.writeoff': writeOff,
  'settlements.resolve': resolve,
};
