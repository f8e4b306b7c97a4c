import { archiveBucket } from '../audit/archive/archive-bucket.ts';
import { findArchivedCall } from '../audit/archive/archived-calls.ts';
import type { AccountId } from '../protocol/account-id.ts';
import { archivedPlace, archivedStart, listArchivedCalls } from './archived-call-list.ts';
import type { CallState } from '../protocol/account/call.ts';
import type { Seconds } from '../core/clock.ts';
import type { Hex } from '../core/hex.ts';
import type { Cell } from '../core/csv.ts';
import { ok } from '../core/result.ts';
import { asOf } from './as-of.ts';
import { storedCharge } from './call-charge.ts';
import { CALL_COLUMNS, callItemOf, type CallItem, type CallRow, loadCall } from './call-row.ts';
import type { CALL_ROUTES } from './call.route.ts';
import { sendCommand } from './command.ts';
import { queryReason, refuse, reply, replyExport, type ReplyResult } from './reply.ts';
import type { AdminRequest, Handler, Handlers } from './handler.ts';
import { attempt, type ListPage, type PageRequest, type Queried } from './page.ts';
import { withoutUndefined } from '../core/without-undefined.ts';
import { conditions, scan, type Scan } from './scan.ts';
import { segmentsBetween } from './call-segments.ts';
import { settlementBody, settlementState } from './settlement-body.ts';
import type { AnswerOf } from './routes.ts';

export type CallFilter = {
  readonly account?: AccountId | undefined;
  readonly tool?: string | undefined;
  readonly state?: CallState | undefined;
  /** Accepted at or after this second. */
  readonly from?: Seconds | undefined;
  /** Accepted before this second. */
  readonly to?: Seconds | undefined;
};

/** Lists calls by time of acceptance, newest first: those in D1, then those that only R2 has. */
export const listCalls = (
  db: D1Database,
  { account, tool, state, from, to, ...page }: CallFilter & PageRequest,
  bucket?: R2Bucket,
): Queried<ListPage<CallItem>> =>
  attempt(async () => {
    const archived = { account, tool, state, from, to, limit: page.limit };
    const place = bucket && archivedPlace(page.after);
    if (bucket && place) return listArchivedCalls(db, bucket, place, archived);
    const filters = conditions({ 'c.tool = ?': tool, 'c.state = ?': state });
    const list =
      account === undefined ? callsByTime(from, to) : await callsOfAccount(db, account, from, to);
    const found = await scan(
      db,
      { ...list, filters: [...list.filters, ...filters] },
      page,
      callItemOf,
    );
    if (!found.ok || found.value.next !== undefined || bucket === undefined) return found;
    const next = await archivedStart(db, archived);
    return next === undefined ? found : ok({ ...found.value, next });
  });

/** Finds one call; undefined if neither D1 nor the archive has one with this id. */
export const findCall = (
  db: D1Database,
  account: AccountId,
  call: Hex,
  bucket?: R2Bucket,
): Queried<CallItem | undefined> =>
  attempt(async () => {
    const row =
      (await loadCall(db, account, call)) ??
      (bucket && (await findArchivedCall<CallRow>(db, bucket, account, call)));
    return ok(row === undefined ? undefined : callItemOf(row));
  });

/** The scan of all calls, in the order of the key. */
export const callsByTime = (from?: Seconds, to?: Seconds): Scan<CallRow> => ({
  list: 'calls',
  index: 'calls c',
  key: ['c.accepted_at', 'c.account', 'c.call'],
  shape: ['number', 'string', 'string'],
  within: [],
  range: { least: from ?? 0, below: to },
  columns: CALL_COLUMNS,
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

type CallBody = AnswerOf<'calls.list'>['items'][number];

/** A call in its wire form. */
export const callBody = (item: CallItem): CallBody =>
  withoutUndefined({
    account: item.account,
    call: item.call,
    state: item.state,
    tool: item.tool,
    request: item.request,
    binding: item.binding as CallBody['binding'],
    asset: item.asset as CallBody['asset'],
    payee: item.payee,
    price: item.price?.toString(),
    paid_by: item.paidBy,
    charged: item.charged?.toString(),
    refunded: item.refunded?.toString(),
    success: item.success,
    status: item.status,
    digest: item.digest,
    reason: item.reason,
    policy: item.policy,
    accepted_at: item.acceptedAt,
    ended_at: item.endedAt,
    kept: item.kept,
  });

/** The columns of a CSV. Their order is public: new ones go last. */
const COLUMNS = [
  'accepted_at',
  'account',
  'call',
  'tool',
  'state',
  'asset',
  'price',
  'charged',
  'paid_by',
  'payee',
  'success',
  'status',
  'reason',
  'binding',
  'policy',
  'request',
  'digest',
  'ended_at',
  'kept',
  'refunded',
] as const satisfies readonly (keyof CallBody)[];

const AMOUNTS: ReadonlySet<keyof CallBody> = new Set(['price', 'charged', 'refunded'] as const);

const cellOf = (item: CallBody, column: keyof CallBody): Cell => {
  const value = item[column];
  return typeof value === 'string' && AMOUNTS.has(column) ? BigInt(value) : value;
};

type ListRequest = Pick<AdminRequest<'calls.list'>, 'context' | 'query' | 'request' | 'now'>;

const list = async ({ context, query, request, now }: ListRequest): Promise<ReplyResult> => {
  const { format = 'json', ...filter } = query;
  const complete = await asOf(context, query.account, now);
  const found = await listCalls(context.db, filter, archiveBucket(context.env));
  if (!found.ok) return refuse(queryReason(found.error));
  return replyExport(request, format, {
    items: found.value.items.map(callBody),
    next: found.value.next,
    asOf: complete,
    archived: found.value.archived,
    ...{ columns: COLUMNS, cellOf, isFirst: filter.after === undefined },
  });
};

/** Shows one call from D1, which gets it up to some seconds after the account. */
const get: Handler<'account.call'> = async ({ context, params, now }) => {
  const found = await findCall(context.db, params.account, params.call, archiveBucket(context.env));
  if (!found.ok) return refuse(queryReason(found.error));
  const item = found.value;
  if (item === undefined) return refuse({ reason: 'unknown_call' });
  const state = settlementState(item, false);
  const body: AnswerOf<'account.call'> = {
    call: callBody(item),
    entries: { first: item.firstSeq, last: item.seq },
    ...(state === undefined ? {} : { settlement: settlementBody({ ...item, state }, now) }),
  };
  return reply(body);
};

/** The account's own record of the call decides; D1 describes calls that the account has forgotten. */
const refund: Handler<'calls.refund'> = async ({ context, params, body, by, intent }) => {
  const { account, call } = params;
  const charge = await storedCharge(context.db, account, call);
  if (!charge.ok) return refuse(queryReason(charge.error));
  const applied = await sendCommand(context, account, {
    ...{ kind: 'refundCall', call, ...body, by, intent },
    ...withoutUndefined({ charge: charge.value }),
  });
  if (!applied.ok) return applied;
  const { refund: done, credit } = applied.value;
  // An account of an earlier release does not know this command, and refuses it: an applied one has the refund.
  if (done === undefined) return refuse({ reason: 'storage_unavailable' });
  const { to, ...amounts } = done;
  const refunded: AnswerOf<'calls.refund'> = {
    ...{ account, call, ...amounts, credited_to: to },
    ...withoutUndefined({ credit: credit?.toString() }),
  };
  return reply(refunded);
};

export const callHandlers: Handlers<keyof typeof CALL_ROUTES> = {
  'calls.list': list,
  'account.calls': ({ params, query, ...rest }) =>
    list({ ...rest, query: { ...query, account: params.account } }),
  'account.call': get,
  'calls.refund': refund,
};
