import * as z from 'zod/mini';
import {
  account,
  address,
  amount,
  asset,
  count,
  datedPageOf,
  hash,
  limit,
  listQuery,
  oneOf,
  payee,
  place,
  positive,
  seconds,
  time,
  traceId,
  toolId,
} from './fields.ts';
import { reasonText } from '../protocol/wire-fields.ts';
import { OPERATOR, READERS, type RouteTable, SMALL_BODY } from './route.ts';

/** A call that waits for a person is in the list of approvals until it runs or ends. */
export const CALL_STATES = ['held', 'committed', 'released', 'abandoned'] as const;
/** `failed`: released or abandoned, as a total counts failed calls. */
export const CALL_OUTCOMES = [...CALL_STATES, 'failed'] as const;
/** `kept`: a silent tool keeps the amount until an operator resolves it. */
export const SETTLEMENT_STATES = ['open', 'settled', 'failed', 'released', 'kept'] as const;
/** What paid for a call: `lent` is the credit of an ancestor. */
export const PAID_BY = ['deferred', 'upfront', 'credit', 'lent', 'free', 'card'] as const;
export const CALL_FORMATS = ['json', 'ndjson', 'csv'] as const;

/**
 * Includes `from`, excludes `to`: times of acceptance. `endedFrom` and `endedTo`: times of the end, for the calls that a total counts. Their
 * `spent`, and the amounts of the charge changes of that time, add up to the spend.
 */
const callsQuery = listQuery({
  tool: z.exactOptional(toolId),
  state: z.exactOptional(oneOf(CALL_OUTCOMES)),
  payee: z.exactOptional(payee),
  asset: z.exactOptional(asset),
  paidBy: z.exactOptional(oneOf(PAID_BY)),
  from: z.exactOptional(seconds),
  to: z.exactOptional(seconds),
  endedFrom: z.exactOptional(seconds),
  endedTo: z.exactOptional(seconds),
  format: z.exactOptional(oneOf(CALL_FORMATS)),
});

const newestQuery = z.strictObject({
  limit,
  tool: z.exactOptional(toolId),
  state: z.exactOptional(oneOf(CALL_OUTCOMES)),
  payee: z.exactOptional(payee),
  asset: z.exactOptional(asset),
  paidBy: z.exactOptional(oneOf(PAID_BY)),
});

const allCallsQuery = z.extend(callsQuery, { account: z.exactOptional(account) });

/** An accepted call, as the log describes it. */
export const callItem = z.strictObject({
  account,
  /** The label of the account now, if it has one. */
  label: z.exactOptional(z.string()),
  call: hash,
  state: z.enum(CALL_STATES),
  tool: z.exactOptional(z.string()),
  request: z.exactOptional(hash),
  binding: z.exactOptional(z.enum(['none', 'intent'])),
  asset: z.exactOptional(asset),
  payee: z.exactOptional(address),
  price: z.exactOptional(amount),
  paid_by: z.exactOptional(z.string()),
  charged: z.exactOptional(amount),
  /**
   * Only for an ended call: the amount that its end added to the spend of that day. Differs from `charged` if a top-up bought credit or an
   * operator decided later.
   */
  spent: z.exactOptional(amount),
  /** The part of the charge that operators gave back, as credit. */
  refunded: z.exactOptional(amount),
  success: z.exactOptional(z.boolean()),
  status: z.exactOptional(z.int()),
  digest: z.exactOptional(z.string()),
  reason: z.exactOptional(z.string()),
  policy: z.exactOptional(hash),
  accepted_at: z.exactOptional(time),
  ended_at: z.exactOptional(time),
  /** The amount of a silent tool: held until an operator charges or releases it. */
  kept: z.exactOptional(z.enum(['held', 'charged', 'released'])),
});

/** A payment. `at`: when its end became known; for an open payment, when its call was accepted. */
export const settlement = z.strictObject({
  account,
  label: z.exactOptional(z.string()),
  call: hash,
  state: z.enum(SETTLEMENT_STATES),
  amount,
  asset: z.exactOptional(asset),
  tool: z.exactOptional(z.string()),
  /** The part that became credit. */
  credited: z.exactOptional(amount),
  transaction: z.exactOptional(hash),
  block: z.exactOptional(count),
  fault: z.exactOptional(z.string()),
  reason: z.exactOptional(z.string()),
  accepted_at: z.exactOptional(time),
  at: time,
  /** Only for an open payment: seconds since its call was accepted. */
  age: z.exactOptional(count),
  /** Only for an open payment that did not settle at the first attempt: the number of the last attempt, its backend if it tried one, and its error. */
  attempts: z.exactOptional(count),
  backend: z.exactOptional(z.string()),
  last_error: z.exactOptional(z.string()),
  last_error_at: z.exactOptional(time),
});

/** Without `amount`: the whole charge that was not refunded earlier. */
const refundBody = z.strictObject(
  { amount: z.exactOptional(positive), reason: reasonText },
  'must be an object {amount?, reason}',
);

/** `refunded`: all refunds of the call so far. `credit`: of the account afterwards; absent if the credit went to an ancestor. */
const refunded = z.strictObject({
  account,
  call: hash,
  asset,
  amount,
  refunded: amount,
  charged: amount,
  credited_to: account,
  credit: z.exactOptional(amount),
});

/**
 * `entries`: the entry that accepted the call, and the newest one about it, by seq. `trace`: only of a traced call, and only until the account
 * forgets the call, because no entry names it.
 */
const callStory = z.strictObject({
  call: callItem,
  entries: z.strictObject({ first: place, last: place }),
  settlement: z.exactOptional(settlement),
  trace: z.exactOptional(traceId),
});

/** How complete a list of a tree is. `newest`: no newer call is missing. `some`: newer calls may be missing too. */
const SHOWN = ['all', 'newest', 'some'] as const;

/** `read`: accounts whose calls the gateway read: those of the tree that were active last. */
const newestCallsPage = z.strictObject({
  items: z.array(callItem),
  shows: z.enum(SHOWN),
  read: count,
  as_of: z.exactOptional(time),
});

export const CALL_ROUTES = {
  'calls.list': {
    path: 'GET /admin/calls',
    roles: OPERATOR,
    query: allCallsQuery,
    summary: 'Lists calls of all accounts',
    answer: datedPageOf(callItem),
    formats: CALL_FORMATS,
    readsLog: true,
  },
  'account.calls': {
    path: 'GET /accounts/:account/calls',
    roles: READERS,
    query: callsQuery,
    summary: 'Lists calls of an account',
    answer: datedPageOf(callItem),
    formats: CALL_FORMATS,
    readsLog: true,
  },
  'account.tree.calls': {
    path: 'GET /accounts/:account/tree/calls',
    roles: READERS,
    query: newestQuery,
    summary: 'Lists the newest calls of an account and its descendants',
    answer: newestCallsPage,
    readsLog: true,
  },
  'account.call': {
    path: 'GET /accounts/:account/calls/:call',
    roles: READERS,
    summary: 'Shows one call and its payment',
    answer: callStory,
  },
  'calls.refund': {
    path: 'POST /admin/calls/:account/:call/refund',
    roles: OPERATOR,
    body: refundBody,
    maxBody: SMALL_BODY,
    movesMoney: true,
    summary: 'Refunds a call to its payer, as credit',
    answer: refunded,
  },
} as const satisfies RouteTable;
