import { type CallItem, findCall, listCalls } from './call-query.ts';
import type { AdminRequest, Handler } from './handler.ts';
import type { AnswerOf } from './types.ts';
import type { Cell } from './csv.ts';
import { replyExport } from './export.ts';
import { present, queryReason, refuse, type Replied, reply } from './reply.ts';
import { settlementOf, settlementState } from './settlement-item.ts';

type CallBody = AnswerOf<'calls.list'>['items'][number];

/** What the columns of a CSV are, in their order. New ones come last. */
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
] as const satisfies readonly (keyof CallBody)[];

/** A call in its wire form. */
export const callBody = (item: CallItem): CallBody =>
  present({
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
    success: item.success,
    status: item.status,
    digest: item.digest,
    reason: item.reason,
    policy: item.policy,
    accepted_at: item.acceptedAt,
    ended_at: item.endedAt,
    kept: item.kept,
  });

type Listed = Pick<AdminRequest<'calls.list'>, 'context' | 'query' | 'request'>;

const list = async ({ context, query, request }: Listed): Promise<Replied> => {
  const { format = 'json', ...filter } = query;
  const found = await listCalls(context.db, filter);
  if (!found.ok) return refuse(queryReason(found.error));
  return replyExport(request, format, {
    items: found.value.items.map(callBody),
    next: found.value.next,
    ...{ columns: COLUMNS, cellOf, isFirst: filter.after === undefined },
  });
};

const AMOUNTS: ReadonlySet<keyof CallBody> = new Set(['price', 'charged'] as const);

const cellOf = (item: CallBody, name: keyof CallBody): Cell => {
  const value = item[name];
  return typeof value === 'string' && AMOUNTS.has(name) ? BigInt(value) : value;
};

export const ofAll: Handler<'calls.list'> = (asked) => list(asked);

export const ofAccount: Handler<'account.calls'> = ({ params, query, ...asked }) =>
  list({ ...asked, query: { ...query, account: params.account } });

/** One call of an account, as the log tells it: a second or so after it happened. */
export const get: Handler<'account.call'> = async ({ context, params, now }) => {
  const found = await findCall(context.db, params.account, params.call);
  if (!found.ok) return refuse(queryReason(found.error));
  const item = found.value;
  if (item === undefined) return refuse({ reason: 'unknown_call' });
  const state = settlementState(item, false);
  const body: AnswerOf<'account.call'> = {
    call: callBody(item),
    ...(state === undefined ? {} : { settlement: settlementOf({ ...item, state }, now) }),
  };
  return reply(body);
};
