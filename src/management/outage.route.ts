import * as z from 'zod/mini';
import { OUTAGE_RULES } from '../protocol/alert.ts';
import { pageOf, time } from './fields.ts';
import { OPERATOR, type RouteTable } from './route.ts';

/** A condition that makes calls or payments fail now. Each also raises an alert. */
const outages = pageOf(
  z.strictObject({
    rule: z.enum(OUTAGE_RULES),
    severity: z.enum(['critical', 'warning', 'notice']),
    since: time,
    title: z.string(),
    what: z.string(),
    /** The next step of the operator. */
    next: z.string(),
  }),
);

export const OUTAGE_ROUTES = {
  outages: {
    path: 'GET /admin/outages',
    roles: OPERATOR,
    summary: 'Lists outages that are not over, and what to do about each',
    answer: outages,
  },
} as const satisfies RouteTable;
