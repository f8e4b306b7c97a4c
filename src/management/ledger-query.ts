import { type Day, daysAfter, daysBetween, startOf } from '../audit/day.ts';
import { FOUND_WITHIN } from '../audit/projection-statements.ts';
import { err, ok } from '../core/result.ts';
import { addedUp, archivedBooks } from './archived-ledger.ts';
import { creditOf } from './ledger-credit.ts';
import type { LedgerItem, LedgerLine } from './ledger.route.ts';
import { attempt, cursorOf, type ListPage, type Queried, readCursor } from './page.ts';
import type { AssetId, Network } from '../protocol/account-id.ts';
import { isFiat } from '../protocol/fiat-asset.ts';

export type LedgerRange = {
  /** First and last day, both included. */
  readonly from: Day;
  readonly to: Day;
  readonly after?: string | undefined;
  /** The facilitator's fee for a transaction on a network, in atomic units of the token. */
  readonly feeOn: (network: Network) => bigint;
};

/** Days of one page, at most. */
const MAX_DAYS = 31;
/** Calls, and rows of `spend`, that one page adds up, at most. */
const MAX_ADDED = 200_000;
/** A day cannot be split over pages: a page of one day may have this many times more rows. */
const DAY_ALONE = 10;
const LIST = 'books';

/**
 * Reads the ledger totals, day by day. A page is as many whole days as one query adds up, so that no line spans two pages. It finds
 * payments by the time of their calls, and payments that ended more than a day later by their own index.
 */
export const readLedger = (
  db: D1Database,
  range: LedgerRange,
  most = MAX_ADDED,
): Queried<ListPage<LedgerItem>> =>
  attempt(async () => {
    const place = readCursor(LIST, ['string'], range.after);
    if (!place.ok) return place;
    const from = String(place.value?.[0] ?? range.from);
    const isDay = Number.isFinite(startOf(from));
    if (!isDay || from < range.from || from > range.to) return err({ kind: 'bad_cursor' });
    const days = await daysThatFit(db, from, range.to, most);
    if (days === 0) return err({ kind: 'day_too_full', day: from });
    const to = daysAfter(from, days - 1);
    const parts = await Promise.all([
      revenueOf(db, from, to),
      settledOf(db, from, to, range.feeOn),
      unsettledOf(db, from, to),
      gasOf(db, from, to),
      creditOf(db, from, to),
      archivedBooks(db, from, to, range.feeOn),
    ]);
    const items = addedUp(parts.flat(), keyOf).toSorted(byKey);
    return ok(to < range.to ? { items, next: cursorOf(LIST, [daysAfter(to, 1)]) } : { items });
  });

const keyOf = ({ day, asset, line, tool, payee }: LedgerItem): string =>
  [day, asset, line, tool ?? '', payee ?? ''].join('\n');

const byKey = (a: LedgerItem, b: LedgerItem): number => (keyOf(a) < keyOf(b) ? -1 : 1);

/** How many days from this one on fit one page; 0 if this day alone does not. */
const daysThatFit = async (db: D1Database, from: Day, last: Day, most: number): Promise<number> => {
  let days = Math.min(MAX_DAYS, daysBetween(from, last));
  const mostOf = (count: number) => (count === 1 ? most * DAY_ALONE : most);
  while (days > 0 && (await isTooWide(db, from, daysAfter(from, days - 1), mostOf(days)))) {
    days = Math.floor(days / 2);
  }
  return days;
};

/** Counts calls by the roll-up, from the day before on, and reads at most `most` rows of each kind. */
const isTooWide = async (db: D1Database, from: Day, to: Day, most: number): Promise<boolean> => {
  const row = await db
    .prepare(
      `SELECT
         (SELECT sum(calls) > ?5 FROM (SELECT calls FROM spend WHERE scope = '*' AND kind = 'own' AND day >= ?1 AND day <= ?4 LIMIT ?5)) AS calls,
         (SELECT 1 FROM spend WHERE scope = '*' AND kind = 'own' AND day >= ?3 AND day <= ?4 LIMIT 1 OFFSET ?5) AS spend,
         (SELECT 1 FROM calls INDEXED BY calls_late WHERE late = 1 AND payment_at >= ?6 AND payment_at < ?2 LIMIT 1 OFFSET ?5) AS late`,
    )
    .bind(daysAfter(from, -1), endOf(to), from, to, most, startOf(from))
    .first<Record<'calls' | 'spend' | 'late', 1 | null>>();
  return row?.calls === 1 || row?.spend === 1 || row?.late === 1;
};

const endOf = (day: Day): number => startOf(daysAfter(day, 1));

type Row = Readonly<Record<'day' | 'asset' | 'tool' | 'payee' | 'count' | 'amount', string>>;

const itemOf = (line: LedgerLine, row: Row): LedgerItem => ({
  day: row.day,
  asset: row.asset,
  line,
  ...(row.tool === '' ? {} : { tool: row.tool }),
  ...(row.payee === '' ? {} : { payee: row.payee }),
  count: BigInt(row.count),
  amount: BigInt(row.amount),
});

const revenueOf = async (db: D1Database, from: Day, to: Day): Promise<readonly LedgerItem[]> => {
  const { results } = await db
    .prepare(
      `SELECT day, asset, tool, payee, CAST(sum(calls) AS TEXT) AS count, CAST(sum(charged) AS TEXT) AS amount FROM spend
       WHERE scope = '*' AND kind = 'own' AND day >= ?1 AND day <= ?2 AND asset <> ''
       GROUP BY day, asset, tool, payee HAVING sum(charged) <> 0`,
    )
    .bind(from, to)
    .all<Row>();
  return results.map((row) => itemOf(isFiat(row.asset) ? 'card_spent' : 'revenue', row));
};

/** The transaction is the relayer's. Its block lies between the acceptance of the call and the day its end was known. */
const isOurs = (days: string): string => `EXISTS (
  SELECT 1 FROM relays r WHERE r.network = substr(c.asset, 1, instr(c.asset, '/') - 1) AND ${days} AND r.transaction_hash = c.transaction_hash)`;

const ACCEPTED_DAY = "date(c.accepted_at, 'unixepoch')";
const ENDED_DAY = "date(c.payment_at, 'unixepoch')";
const OF_PAYMENT = `${ENDED_DAY} AS day, c.asset AS asset, c.amount AS amount, c.transaction_hash AS hash`;

/** The first half follows the key, the second an index, and both read only payments of these days and the day before. */
const SETTLED = `
WITH settled AS MATERIALIZED (
  SELECT ${OF_PAYMENT}, ${isOurs(`r.day IN (${ACCEPTED_DAY}, ${ENDED_DAY})`)} AS ours
  FROM calls c
  WHERE c.accepted_at >= ?1 AND c.accepted_at < ?3 AND c.payment = 'settled' AND c.late IS NULL AND c.payment_at >= ?2 AND c.payment_at < ?3
  UNION ALL
  SELECT ${OF_PAYMENT}, ${isOurs(`r.day BETWEEN ${ACCEPTED_DAY} AND ${ENDED_DAY}`)}
  FROM calls c INDEXED BY calls_late
  WHERE c.late = 1 AND c.payment = 'settled' AND c.payment_at >= ?2 AND c.payment_at < ?3
)
SELECT day, coalesce(asset, '') AS asset, '' AS tool, '' AS payee, CAST(count(*) AS TEXT) AS count, CAST(sum(amount) AS TEXT) AS amount,
  CAST(count(DISTINCT CASE WHEN ours THEN NULL ELSE hash END) AS TEXT) AS others
FROM settled GROUP BY 1, 2`;

const settledOf = async (
  db: D1Database,
  from: Day,
  to: Day,
  feeOn: LedgerRange['feeOn'],
): Promise<readonly LedgerItem[]> => {
  const { results } = await db
    .prepare(SETTLED)
    .bind(startOf(from) - FOUND_WITHIN, startOf(from), endOf(to))
    .all<Row & { readonly others: string }>();
  return results.flatMap((row) => {
    const count = BigInt(row.others);
    const amount = count * feeOn(networkOf(row.asset as AssetId));
    const { day, asset } = row;
    return [
      itemOf('settled', row),
      ...(amount === 0n ? [] : [{ day, asset, line: 'fees' as const, count, amount }]),
    ];
  });
};

const networkOf = (asset: AssetId): Network => asset.slice(0, asset.indexOf('/')) as Network;

const unsettledOf = async (db: D1Database, from: Day, to: Day): Promise<readonly LedgerItem[]> => {
  const { results } = await db
    .prepare(
      `SELECT ${ENDED_DAY} AS day, coalesce(c.asset, '') AS asset, coalesce(c.tool, '') AS tool, coalesce(c.payee, '') AS payee,
         CASE c.fault WHEN 'gateway' THEN 'write_off' WHEN 'payer' THEN 'debt' ELSE 'released' END AS line,
         CAST(count(*) AS TEXT) AS count, CAST(sum(c.amount) AS TEXT) AS amount
       FROM json_each('["failed","released"]') s
       CROSS JOIN calls c INDEXED BY calls_unsettled
         ON c.payment IN ('failed', 'released') AND c.payment = s.value AND c.payment_at >= ?1 AND c.payment_at < ?2
       GROUP BY 1, 2, 3, 4, 5`,
    )
    .bind(startOf(from), endOf(to))
    .all<Row & { readonly line: 'write_off' | 'debt' | 'released' }>();
  return results.map((row) => itemOf(row.line, row));
};

/** A sum of wei overflows an integer, so gwei and remainders are added up apart. */
const GAS = `
WITH RECURSIVE networks (network) AS (
  SELECT min(network) FROM relays
  UNION ALL
  SELECT (SELECT min(network) FROM relays r WHERE r.network > networks.network) FROM networks WHERE network IS NOT NULL
)
SELECT r.network, r.day, CAST(count(*) AS TEXT) AS count,
  CAST(sum(CAST(substr(r.fee, 1, max(0, length(r.fee) - 9)) AS INTEGER)) AS TEXT) AS gwei,
  CAST(sum(CAST(substr(r.fee, -9) AS INTEGER)) AS TEXT) AS rest
FROM networks n CROSS JOIN relays r ON r.network = n.network AND r.day >= ?1 AND r.day <= ?2
GROUP BY 1, 2`;

const GWEI = 1_000_000_000n;

const gasOf = async (db: D1Database, from: Day, to: Day): Promise<readonly LedgerItem[]> => {
  const { results } = await db
    .prepare(GAS)
    .bind(from, to)
    .all<Readonly<Record<'network' | 'day' | 'count' | 'gwei' | 'rest', string>>>();
  return results.map(({ network, day, count, gwei, rest }) => ({
    ...{ day, asset: `${network}/slip44:60`, line: 'gas' as const },
    ...{ count: BigInt(count), amount: BigInt(gwei) * GWEI + BigInt(rest) },
  }));
};
