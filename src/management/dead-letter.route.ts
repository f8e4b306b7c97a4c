import * as z from 'zod/mini';
import { account, hash, pageOf, pageQuery, time } from './fields.ts';
import { OPERATOR, type RouteTable } from './route.ts';

/** A message that no consumer could process. `redriven_at`: when it was last sent again. */
export const deadLetterSchema = z.strictObject({
  id: z.string(),
  queue: z.string(),
  account: z.exactOptional(account),
  call: z.exactOptional(hash),
  reason: z.string(),
  at: time,
  redriven_at: z.exactOptional(time),
});

const redriven = z.strictObject({ id: z.string(), queue: z.string(), redriven_at: time });

export const DEAD_LETTER_ROUTES = {
  'deadletters.list': {
    path: 'GET /admin/dead-letters',
    roles: OPERATOR,
    query: pageQuery,
    summary: 'Lists messages that no consumer could process',
    answer: pageOf(deadLetterSchema),
  },
  'deadletters.redrive': {
    path: 'POST /admin/dead-letters/:letter/redrive',
    roles: OPERATOR,
    summary: 'Sends a dead letter again',
    answer: redriven,
  },
} as const satisfies RouteTable;
