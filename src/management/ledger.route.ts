import * as z from 'zod/mini';
import type { Day } from '../audit/day.ts';
import { amount, count, cursor, day, oneOf, time } from './fields.ts';
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

/** The lines of the ledger totals. Only `revenue` and `credit_liability` can be negative. */
export const LEDGER_LINES = [
  /** Charges of ended calls, less later refunds. */
  'revenue',
  /** Charges of calls that a card of the operator paid: an expense, in a currency of a state. */
  'card_spent',
  /** Payments that the chain moved, by the day on which the gateway recorded it. */
  'settled',
  /**
   * Accepted payments that no backend presented in time: the gateway's loss. A payment that settles later moves to `settled`, on that day.
   */
  'write_off',
  /** Payments that failed because of their payer. */
  'debt',
  /** Released payments: their calls cost nothing. */
  'released',
  /** Fees of facilitators, for transactions that are not the relayer's. */
  'fees',
  /** Gas of the relayer's transactions, in wei of the chain's coin. */
  'gas',
  'credit_topped_up',
  'credit_returned',
  'credit_late',
  'credit_given',
  'credit_taken',
  'credit_refunded',
  'credit_lent',
  /** Calls paid from credit. */
  'credit_spent',
  /** Credit of all accounts at the end of the day, less debts. */
  'credit_liability',
] as const;

export type LedgerLine = (typeof LEDGER_LINES)[number];

/** A line of the ledger totals for one day, asset, tool and payee. */
export type LedgerItem = {
  readonly day: Day;
  /** CAIP-19, or `iso4217:USD` for cards; for gas the chain's own coin (`slip44:60`). Amounts of two assets are never added. */
  readonly asset: string;
  readonly line: LedgerLine;
  readonly tool?: string;
  readonly payee?: string;
  /** Number of calls, payments, transactions or movements; absent for lines without a count. */
  readonly count?: bigint;
  readonly amount: bigint;
};

/** A `LedgerItem` in its wire form. */
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
  as_of: z.exactOptional(time),
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
