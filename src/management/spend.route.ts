import * as z from 'zod/mini';
import {
  account,
  amount,
  asset,
  count,
  day,
  listQuery,
  oneOf,
  payee,
  ruleName,
  time,
  toolId,
} from './fields.ts';
import { OPERATOR, READERS, type RouteTable } from './route.ts';

export const SPEND_KEYS = ['tool', 'payee', 'day', 'rule', 'account'] as const;
export const SPEND_ORDERS = ['charged', 'denied', 'failed'] as const;

/**
 * UTC days, both included; the last 30 by default. `by` and `and`: the keys; a report by rule has denials only. `account`: its own spend
 * during its time in the scope. `order`: a ranking, the highest sums first, which has one page.
 */
const spendQuery = listQuery({
  from: z.exactOptional(day),
  to: z.exactOptional(day),
  by: oneOf(SPEND_KEYS),
  and: z.exactOptional(oneOf(['tool', 'payee', 'day', 'rule'])),
  order: z.exactOptional(oneOf(SPEND_ORDERS)),
  account: z.exactOptional(account),
  asset: z.exactOptional(asset),
  tool: z.exactOptional(toolId),
  payee: z.exactOptional(payee),
  rule: z.exactOptional(ruleName),
});

/**
 * `key`: a tool id, a payee, a day, a rule or an account, as the query's `by` selects; `and`: the second key. `label`: only for an account,
 * if it has a label and the reader may read the account now. `earned`, of all accounts together only: settled payments less the part that
 * became credit, by the day of the settlement, and charges that credit paid, less refunds.
 */
export const spendItem = z.strictObject({
  key: z.string(),
  label: z.exactOptional(z.string()),
  and: z.exactOptional(z.string()),
  asset: z.exactOptional(asset),
  calls: count,
  charged: amount,
  denied: count,
  failed: count,
  earned: z.exactOptional(amount),
});

/** `of`, of a ranking only: the number of keys. */
const spendPage = z.strictObject({
  from: day,
  to: day,
  items: z.array(spendItem),
  of: z.exactOptional(count),
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
    readsLog: true,
  },
  'account.spend': {
    path: 'GET /accounts/:account/spend',
    roles: READERS,
    query: spendQuery,
    summary: 'Reports spend of an account and its descendants',
    answer: spendPage,
    readsLog: true,
  },
} as const satisfies RouteTable;
