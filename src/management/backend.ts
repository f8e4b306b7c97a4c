import { listBackends } from './backend-query.ts';
import type { Handler } from './handler.ts';
import type { AnswerOf } from './types.ts';
import { present, queryReason, refuse, reply } from './reply.ts';

/** Who presents payments, and how each does. One that was never asked is not there yet. */
export const list: Handler<'backends'> = async ({ context }) => {
  const found = await listBackends(context.db);
  if (!found.ok) return refuse(queryReason(found.error));
  const body: AnswerOf<'backends'> = {
    items: found.value.map(({ lastError, lastErrorAt, ...item }) => ({
      ...item,
      ...present({ last_error: lastError, last_error_at: lastErrorAt }),
    })),
  };
  return reply(body);
};
