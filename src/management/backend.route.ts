import * as z from 'zod/mini';
import { count, pageOf, time } from './fields.ts';
import { OPERATOR, type RouteTable } from './route.ts';

/** The health of each settlement backend, as the last isolate to write it saw it. `open`: the gateway presents no payment to it now. */
const backends = pageOf(
  z.strictObject({
    network: z.string(),
    /** Host of a facilitator, or `relayer`. */
    backend: z.string(),
    state: z.enum(['closed', 'open', 'half_open']),
    succeeded: count,
    failed: count,
    last_error: z.exactOptional(z.string()),
    last_error_at: z.exactOptional(time),
    /** When the isolate wrote this. */
    at: time,
  }),
);

export const BACKEND_ROUTES = {
  backends: {
    path: 'GET /admin/backends',
    roles: OPERATOR,
    summary: 'Lists settlement backends and their health',
    answer: backends,
  },
} as const satisfies RouteTable;
