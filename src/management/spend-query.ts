import { err, ok } from '../core/result.ts';
import {
  attempt,
  boundedLimit,
  cursorOf,
  type CursorPlace,
  type ListPage,
  type PageRequest,
  type Queried,
  readCursor,
} from './page.ts';
import { accountsIn } from './spend-accounts.ts';
import {
  keysOf,
  listOf,
  type SpendItem,
  type SpendKey,
  type SpendOrder,
  type SpendRange,
} from './spend-range.ts';
import { DENIED, type Rows, rowsOf, rowsOfAll, rowsOfEach, SPENT, SUMMED } from './spend-rows.ts';

/** Rows of `spend` that one report adds up, at most. */
export const MAX_ADDED = 200_000;

/** Reads spend by key, in the order of the keys. Fails with `too_wide` if the days have more rows than one report adds up. */
export const spendReport = (
  db: D1Database,
  range: SpendRange & PageRequest,
): Queried<ListPage<SpendItem>> =>
  attempt(async () => {
    const limit = boundedLimit(range.limit);
    const list = listOf(range);
    const read = readCursor(
      list,
      keysOf(range).map(() => 'string'),
      range.after,
    );
    if (!read.ok) return read;
    const place = read.value;
    const accounts =
      range.by === 'account' && range.account === undefined
        ? await accountsIn(db, range, String(place?.[0] ?? ''))
        : undefined;
    const rows = accounts === undefined ? rowsOf(range, place) : rowsOfEach(range, accounts.some);
    const { results } = await summed(db, range, rows, {
      having: place,
      tail: `ORDER BY ${keysOf(range).join(', ')} LIMIT ${limit + 1}`,
    }).all<SummedRow>();
    if (isTooWide(results)) return err({ kind: 'too_wide' });
    return ok(pageOf(list, range, results, limit, accounts?.edge));
  });

/** The keys with the highest sums, and how many keys there are. Without a next page. */
export type Ranked = { readonly items: readonly SpendItem[]; readonly of: number };

/** The statement of a ranking: the highest sums first. `readRanking` reads its rows. By `charged`, it has no denials. */
export const rankingStatement = (
  db: D1Database,
  range: SpendRange,
  order: SpendOrder,
  limit: number,
): D1PreparedStatement => {
  const ranked = { ...range, only: order === 'charged' ? SPENT : DENIED };
  return summed(
    db,
    ranked,
    range.by === 'account' && range.account === undefined ? rowsOfAll(ranked) : rowsOf(ranked),
    { tail: `ORDER BY sum(${order}) DESC, ${keysOf(range).join(', ')} LIMIT ${limit}` },
  );
};

/** The statement of a report on one page, in the order of its keys. `readRanking` reads its rows. */
export const reportStatement = (
  db: D1Database,
  range: SpendRange & { readonly by: Exclude<SpendKey, 'account'> },
  limit: number,
): D1PreparedStatement =>
  summed(db, range, rowsOf(range), { tail: `ORDER BY ${keysOf(range).join(', ')} LIMIT ${limit}` });

/** Undefined if the days have more rows than one report adds up. */
export const readRanking = (results: readonly SummedRow[]): Ranked | undefined =>
  isTooWide(results) ? undefined : { items: results.map(itemOf), of: results[0]?.of ?? 0 };

/** A row that `summed` selects; sums are text, because they may exceed a safe integer. */
export type SummedRow = {
  readonly key: string;
  readonly and?: string;
  readonly asset: string;
} & Readonly<Record<(typeof SUMMED)[number], string>> & {
    readonly added: number;
    readonly of: number;
  };

/** Adds up rows, of which it reads at most one more than it may: `added` tells. */
const summed = (
  db: D1Database,
  range: SpendRange,
  { sql, values }: Rows,
  { having, tail }: { readonly having?: CursorPlace | undefined; readonly tail: string },
): D1PreparedStatement => {
  const keys = keysOf(range).join(', ');
  // Too many rows are reported on every page.
  const after =
    having === undefined
      ? ''
      : `WHERE (${keys}) > (${having.map(() => '?').join(', ')}) OR (SELECT count(*) FROM rows) > ${MAX_ADDED}`;
  return db
    .prepare(
      `WITH rows AS MATERIALIZED (SELECT * FROM (${sql}) LIMIT ${MAX_ADDED + 1})
       SELECT ${keys}, ${SUMMED.map((column) => `CAST(sum(${column}) AS TEXT) AS ${column}`).join(', ')},
         (SELECT count(*) FROM rows) AS added, count(*) OVER () AS "of"
       FROM rows ${after} GROUP BY ${keys} ${tail}`,
    )
    .bind(...values, ...(having ?? []));
};

const isTooWide = (results: readonly SummedRow[]): boolean => (results[0]?.added ?? 0) > MAX_ADDED;

const pageOf = (
  list: string,
  { and }: SpendRange,
  rows: readonly SummedRow[],
  limit: number,
  edge?: CursorPlace,
): ListPage<SpendItem> => {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  const next: CursorPlace | undefined =
    rows.length > limit && last !== undefined
      ? [last.key, ...(and === undefined ? [] : [last.and ?? '']), last.asset]
      : edge;
  return {
    items: shown.map(itemOf),
    ...(next === undefined ? {} : { next: cursorOf(list, next) }),
  };
};

const itemOf = ({ key, and, asset, ...sums }: SummedRow): SpendItem => ({
  key,
  ...(and === undefined ? {} : { and }),
  asset,
  calls: BigInt(sums.calls),
  charged: BigInt(sums.charged),
  denied: BigInt(sums.denied),
  failed: BigInt(sums.failed),
  earned: BigInt(sums.earned),
});
