import * as z from 'zod/mini';
import { amount, count, cursor, day, oneOf } from './fields.ts';
import { OPERATOR, type RouteTable } from './route.ts';

const FORMATS = ['json', 'ndjson', 'csv'] as const;
/** Days of one request, at most. */
export const MAX_LEDGER_DAYS = 366;

/** UTC days, both included; the last 30 by default. A page is as many whole days as one query adds up. */
const ledgerQuery = z.strictObject({
  after: z.exactOptional(cursor),
  from: z.exactOptional(day),
  to: z.exactOptional(day),
  format: z.exactOptional(oneOf(FORMATS)),
});

export const LEDGER_LINES = [
  'revenue',
  'settled',
  'write_off',
  'debt',
  'released',
  'fees',
  'gas',
  'credit_topped_up',
  'credit_returned',
  'credit_late',
  'credit_given',
  'credit_taken',
  'credit_refunded',
  'credit_lent',
  'credit_spent',
  'credit_liability',
] as const;

/** One line of the ledger totals. `asset` is a token (CAIP-19), for `gas` the chain's own coin; amounts of two assets are never added. */
const ledgerLine = z.strictObject({
  day,
  asset: z.string(),
  line: z.enum(LEDGER_LINES),
  tool: z.exactOptional(z.string()),
  payee: z.exactOptional(z.string()),
  count: z.exactOptional(count),
  amount,
});

const ledgerPage = z.strictObject({
  from: day,
  to: day,
  items: z.array(ledgerLine),
  next: z.exactOptional(z.string()),
});

export const LEDGER_ROUTES = {
  books: {
    path: 'GET /admin/books',
    roles: OPERATOR,
    query: ledgerQuery,
    summary: 'Reports revenue, costs and credit by day',
    answer: ledgerPage,
    formats: FORMATS,
  },
} as const satisfies RouteTable;
