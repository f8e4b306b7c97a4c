import { depths } from './queue-query.ts';
import type { Handler } from './handler.ts';
import type { AnswerOf } from './types.ts';
import { present, queryReason, refuse, reply } from './reply.ts';

/** What waits: payments without an end, and messages that nobody could deal with. */
export const get: Handler<'queues'> = async ({ context }) => {
  const found = await depths(context.db);
  if (!found.ok) return refuse(queryReason(found.error));
  const { openPayments, oldestOpen, deadLetters, oldestDeadLetter } = found.value;
  const body: AnswerOf<'queues'> = {
    ...{ open_settlements: openPayments, dead_letters: deadLetters },
    ...present({ oldest_open_at: oldestOpen, oldest_dead_letter_at: oldestDeadLetter }),
  };
  return reply(body);
};
