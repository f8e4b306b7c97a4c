import * as z from 'zod/mini';
import { count, time } from './fields.ts';
import { OPERATOR, type RouteTable } from './route.ts';

/** Open payments and dead letters, counted up to 10,000. */
const queueDepths = z.strictObject({
  open_settlements: count,
  /** Acceptance of the oldest call with an open payment. */
  oldest_open_at: z.exactOptional(time),
  dead_letters: count,
  oldest_dead_letter_at: z.exactOptional(time),
});

export const QUEUE_ROUTES = {
  queues: {
    path: 'GET /admin/queues',
    roles: OPERATOR,
    summary: 'Counts open payments and dead letters',
    answer: queueDepths,
  },
} as const satisfies RouteTable;
