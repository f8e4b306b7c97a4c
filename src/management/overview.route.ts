import * as z from 'zod/mini';
import { account, amount, asset, count, day, oneOf, time } from './fields.ts';
import { OPERATOR, READERS, type RouteTable } from './route.ts';
import { spendItem } from './spend.route.ts';

/** Days of the rankings, today included. */
export const OVERVIEW_DAYS = ['1', '7', '30'] as const;

const overviewQuery = z.strictObject({ days: z.prefault(oneOf(OVERVIEW_DAYS), '7') });

/** The keys with the highest sums, and how many keys there are. `too_many`: more rows than one report adds up. */
const ranking = z.union([
  z.strictObject({ items: z.array(spendItem), of: count }),
  z.strictObject({ too_many: z.literal(true) }),
]);

/** Waiting payments or amounts of one asset, and since when the oldest one waits. */
const waiting = z.strictObject({
  asset: z.exactOptional(asset),
  count,
  amount,
  oldest_at: time,
});

/** The first accounts by id that are paused or frozen, and how many are. */
const stopped = z.strictObject({
  items: z.array(
    z.strictObject({
      account,
      label: z.exactOptional(z.string()),
      status: z.enum(['paused', 'frozen']),
    }),
  ),
  of: count,
});

/**
 * All figures are of one moment. `today`: its UTC day. `days`: each of the last 60 days. `tools`, `accounts`, `rules`: rankings of the days
 * from `from` on. `open` and `kept`, for operators: open payments, and amounts that an operator must resolve. `stopped`: stopped accounts
 * among an account and its descendants.
 */
const overview = z.strictObject({
  today: day,
  from: day,
  days: ranking,
  tools: ranking,
  accounts: ranking,
  rules: ranking,
  open: z.exactOptional(z.array(waiting)),
  kept: z.exactOptional(z.array(waiting)),
  stopped: z.exactOptional(stopped),
  as_of: z.exactOptional(time),
});

export const OVERVIEW_ROUTES = {
  overview: {
    path: 'GET /admin/overview',
    roles: OPERATOR,
    query: overviewQuery,
    summary: 'Shows what all accounts spend, and what waits',
    answer: overview,
    readsLog: true,
  },
  'account.overview': {
    path: 'GET /accounts/:account/overview',
    roles: READERS,
    query: overviewQuery,
    summary: 'Shows what an account and its descendants spend',
    answer: overview,
    readsLog: true,
  },
} as const satisfies RouteTable;
