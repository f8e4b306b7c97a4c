import { listSettlements } from './settlement-query.ts';
import { settlementStory } from './settlement-story.ts';
import type { Handler } from './handler.ts';
import type { AnswerOf } from './types.ts';
import { callBody } from './call.ts';
import { letterBody } from './dead-letter.ts';
import { give, orderedBody } from './command.ts';
import { present, queryReason, refuse, reply, replyPage } from './reply.ts';
import { settlementOf, settlementState } from './settlement-item.ts';

export const list: Handler<'settlements.list'> = async ({ context, query, request, now }) => {
  const found = await listSettlements(context.db, query);
  if (!found.ok) return refuse(queryReason(found.error));
  const { items, next } = found.value;
  return replyPage(request, { items: items.map((item) => settlementOf(item, now)), next });
};

/** All that the log tells of one payment: its call, how it ended, and the entries of both. */
export const get: Handler<'settlements.get'> = async ({ context, params, now }) => {
  const found = await settlementStory(context.db, params.account, params.call);
  if (!found.ok) return refuse(queryReason(found.error));
  if (found.value === undefined) return refuse({ reason: 'unknown_call' });
  const { call, open, trouble, letters, entries } = found.value;
  const state = settlementState(call, open);
  if (state === undefined)
    return refuse({ reason: 'unknown_document', what: 'payment of this call' });
  const body: AnswerOf<'settlements.get'> = {
    settlement: settlementOf({ ...call, state, ...present({ trouble }) }, now),
    call: callBody(call),
    entries: entries as unknown as AnswerOf<'settlements.get'>['entries'],
    dead_letters: letters.map(letterBody),
  };
  return reply(body);
};

/** Presents an open payment again, now. The account does, which alone holds its signature (law 9). */
export const redrive: Handler<'settlements.redrive'> = async ({ context, params, by, order }) => {
  const { account, call } = params;
  const given = await give(context, account, { kind: 'redrive', call, by, order });
  return given.ok ? reply(orderedBody(given.value)) : given;
};

export const writeOff: Handler<'settlements.writeoff'> = async ({
  context,
  params,
  body,
  by,
  order,
}) => {
  const { account, call } = params;
  const { reason } = body;
  const given = await give(context, account, { kind: 'writeOff', call, reason, by, order });
  return given.ok ? reply(orderedBody(given.value)) : given;
};

/** Ends the hold of a silent tool, once somebody knows what it did (law 4). */
export const resolve: Handler<'settlements.resolve'> = async ({
  context,
  params,
  body,
  by,
  order,
}) => {
  const { account, call } = params;
  const { charge, reason } = body;
  const given = await give(context, account, { kind: 'resolve', call, charge, reason, by, order });
  return given.ok ? reply(orderedBody(given.value)) : given;
};
