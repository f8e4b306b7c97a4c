import { listSettlements } from './settlement-query.ts';
import { settlementStory } from './settlement-story.ts';
import type { AnswerOf, Handler } from './handler.ts';
import { callBody } from './call.ts';
import { letterBody } from './dead-letter.ts';
import { give, orderedBody } from './command.ts';
import { present, queryReason, refuse, reply, replyPage } from './reply.ts';
import { settlementOf, settlementState } from './settlement-item.ts';

export const list: Handler<'settlements.list'> = async ({ office, query, request, now }) => {
  const found = await listSettlements(office.db, query);
  if (!found.ok) return refuse(queryReason(found.error));
  const { items, next } = found.value;
  return replyPage(request, { items: items.map((item) => settlementOf(item, now)), next });
};

/** All that the log tells of one payment: its call, how it ended, and the entries of both. */
export const get: Handler<'settlements.get'> = async ({ office, params, now }) => {
  const found = await settlementStory(office.db, params.account, params.call);
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
export const redrive: Handler<'settlements.redrive'> = async ({ office, params, by, order }) => {
  const { account, call } = params;
  const given = await give(office, account, { kind: 'redrive', call, by, order });
  return given.ok ? reply(orderedBody(given.value)) : given;
};

export const writeOff: Handler<'settlements.writeoff'> = async ({
  office,
  params,
  body,
  by,
  order,
}) => {
  const { account, call } = params;
  const { reason } = body;
  const given = await give(office, account, { kind: 'writeOff', call, reason, by, order });
  return given.ok ? reply(orderedBody(given.value)) : given;
};

/** Ends the hold of a silent tool, once somebody knows what it did (law 4). */
export const resolve: Handler<'settlements.resolve'> = async ({
  office,
  params,
  body,
  by,
  order,
}) => {
  const { account, call } = params;
  const { charge, reason } = body;
  const given = await give(office, account, { kind: 'resolve', call, charge, reason, by, order });
  return given.ok ? reply(orderedBody(given.value)) : given;
};
