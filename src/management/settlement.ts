import { archiveBucket } from '../config/optional-bindings.ts';
import { withoutUndefined } from '../core/without-undefined.ts';
import { asOf } from './as-of.ts';
import { callBody } from './call.ts';
import { outcomeBody, sendCommand } from './command.ts';
import { deadLetterBody } from './dead-letter.ts';
import type { Handler, Handlers } from './handler.ts';
import { queryReason, refuse, reply, replyPage } from './reply.ts';
import type { AnswerOf } from './routes.ts';
import { hasEnded, settlementBody, settlementState } from './settlement-body.ts';
import { listSettlements } from './settlement-list.ts';
import { settlementStory } from './settlement-story.ts';
import type { SETTLEMENT_ROUTES } from './settlement.route.ts';

const list: Handler<'settlements.list'> = async ({ context, query, request, now }) => {
  const isByEnd = (query.endedFrom ?? query.endedTo) !== undefined;
  if (isByEnd && (!hasEnded(query.state) || (query.from ?? query.to) !== undefined)) {
    return refuse({
      reason: 'malformed_field',
      field: 'query.endedFrom',
      hint: 'must be with state settled, failed or released, and without from and to',
    });
  }
  const complete = await asOf(context, query.account, now);
  const found = await listSettlements(context.db, query, archiveBucket(context.env));
  if (!found.ok) return refuse(queryReason(found.error));
  const { items, next, archived } = found.value;
  return replyPage(request, {
    items: items.map((item) => settlementBody(item, now)),
    next,
    asOf: complete,
    archived,
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
  const { call, attempts, deadLetters, entries } = found.value;
  const state = settlementState(call);
  if (state === undefined) {
    return refuse({ reason: 'unknown_document', what: 'payment of this call' });
  }
  const body: AnswerOf<'settlements.get'> = {
    settlement: settlementBody(
      { ...call, state, ...withoutUndefined({ trouble: attempts[0] }) },
      now,
    ),
    call: callBody(call),
    entries: entries as unknown as AnswerOf<'settlements.get'>['entries'],
    attempts: [...attempts],
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
