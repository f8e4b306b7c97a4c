import { archiveBucket } from '../config/optional-bindings.ts';
import { findArchivedCall } from '../audit/archive/archived-calls.ts';
import type { AccountId } from '../protocol/account-id.ts';
import type { Hex } from '../core/hex.ts';
import type { Cell } from '../core/csv.ts';
import { ok } from '../core/result.ts';
import { asOf } from './as-of.ts';
import { traceOf } from './call-trace.ts';
import { storedCharge } from './call-charge.ts';
import { listCalls } from './call-list.ts';
import { callItemOf, type CallItem, type CallRow, loadCall } from './call-row.ts';
import type { CALL_ROUTES } from './call.route.ts';
import { sendCommand } from './command.ts';
import { newestCalls } from './newest-calls.ts';
import { asOfMember, queryReason, refuse, reply, replyExport, type ReplyResult } from './reply.ts';
import type { AdminRequest, Handler, Handlers } from './handler.ts';
import { attempt, type Queried } from './page.ts';
import { withoutUndefined } from '../core/without-undefined.ts';
import { settlementBody, settlementState } from './settlement-body.ts';
import type { AnswerOf } from './routes.ts';
import { treeReader } from './tree-reader.ts';

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

type CallBody = AnswerOf<'calls.list'>['items'][number];

/** A call in its wire form. */
export const callBody = (item: CallItem): CallBody =>
  withoutUndefined({
    account: item.account,
    label: item.label,
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
    spent: spentOf(item)?.toString(),
  });

/** The amount that the end of a call added to the spend of its account on that day. A call that waited for a person and never ran adds nothing. */
export const spentOf = ({ endedAt, seq, firstSeq, spent, charged }: CallItem): bigint | undefined =>
  endedAt === undefined || seq === firstSeq ? undefined : (spent ?? charged ?? 0n);

/** The columns of a CSV. Users depend on their order: append new columns at the end. */
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
  'spent',
] as const satisfies readonly (keyof CallBody)[];

const AMOUNTS: ReadonlySet<keyof CallBody> = new Set([
  'price',
  'charged',
  'refunded',
  'spent',
] as const);

const cellOf = (item: CallBody, column: keyof CallBody): Cell => {
  const value = item[column];
  return typeof value === 'string' && AMOUNTS.has(column) ? BigInt(value) : value;
};

type ListRequest = Pick<AdminRequest<'calls.list'>, 'context' | 'query' | 'request' | 'now'>;

const list = async ({ context, query, request, now }: ListRequest): Promise<ReplyResult> => {
  const { format = 'json', ...filter } = query;
  const excluding = filter.from ?? filter.to;
  if (excluding !== undefined && (filter.endedFrom ?? filter.endedTo) !== undefined) {
    return refuse({
      reason: 'malformed_field',
      field: 'query.endedFrom',
      hint: 'must be without from and to: a list has the calls accepted in a period, or those that ended in it, not both',
    });
  }
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

/** Lists the newest calls of a tree. There is no next page, because no cursor can name a place in the logs of all its accounts. */
const listTree: Handler<'account.tree.calls'> = async ({ context, params, query, by, now }) => {
  const complete = await asOf(context, undefined, now);
  const reader = treeReader(by, params.account);
  const found = await newestCalls(context.db, params.account, reader, query);
  if (!found.ok) return refuse(queryReason(found.error));
  const { items, ...others } = found.value;
  const body: AnswerOf<'account.tree.calls'> = {
    items: items.map(callBody),
    ...others,
    ...asOfMember(complete),
  };
  return reply(body);
};

/** Shows one call from D1, which lags behind the account by some seconds, with its trace from the account. */
const get: Handler<'account.call'> = async ({ context, params, now }) => {
  const found = await findCall(context.db, params.account, params.call, archiveBucket(context.env));
  if (!found.ok) return refuse(queryReason(found.error));
  const item = found.value;
  if (item === undefined) return refuse({ reason: 'unknown_call' });
  const trace = await traceOf(context, params);
  const state = settlementState(item);
  const body: AnswerOf<'account.call'> = {
    call: callBody(item),
    entries: { first: item.firstSeq, last: item.seq },
    ...(state === undefined ? {} : { settlement: settlementBody({ ...item, state }, now) }),
    ...(trace === undefined ? {} : { trace }),
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
  // Never: an applied refund has its amounts. The verdict's type is that of all commands.
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
  'account.tree.calls': listTree,
  'account.call': get,
  'calls.refund': refund,
};
