import * as z from 'zod/mini';
import { amount, asset, count, day, listQuery, oneOf, time } from './fields.ts';
import { OPERATOR, READERS, type RouteTable } from './route.ts';

export const SPEND_KEYS = ['tool', 'payee', 'day', 'account'] as const;

/** UTC days, both included; the last 30 by default. */
const spendQuery = listQuery({
  from: z.exactOptional(day),
  to: z.exactOptional(day),
  by: oneOf(SPEND_KEYS),
  asset: z.exactOptional(asset),
});

/** `key`: a tool id, a payee, a day or an account, as the query's `by` selects. */
const spendPage = z.strictObject({
  from: day,
  to: day,
  items: z.array(
    z.strictObject({
      key: z.string(),
      asset: z.exactOptional(asset),
      calls: count,
      charged: amount,
      denied: count,
      failed: count,
    }),
  ),
  next: z.exactOptional(z.string()),
  as_of: z.exactOptional(time),
});

export const SPEND_ROUTES = {
  spend: {
    path: 'GET /admin/spend',
    roles: OPERATOR,
    query: spendQuery,
    summary: 'Reports spend at this gateway',
    answer: spendPage,
  },
  'account.spend': {
    path: 'GET /accounts/:account/spend',
    roles: READERS,
    query: spendQuery,
    summary: 'Reports spend of an account and its descendants',
    answer: spendPage,
  },
} as const satisfies RouteTable;
