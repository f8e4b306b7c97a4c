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
import { LABEL_COLUMNS, labelIn, type LabelRow } from './account-label.ts';
import { searchesTooMany } from './searched-rows.ts';
import { accountsIn } from './spend-accounts.ts';
import {
  keysOf,
  listOf,
  type NarrowRange,
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
    const rowsIn = (days: SpendRange): Rows =>
      accounts === undefined ? rowsOf(days, place) : rowsOfEach(days, accounts.some);
    if (await searchesTooMany(db, range, rowsIn)) return err({ kind: 'too_wide' });
    const { results } = await summed(db, range, rowsIn(range), {
      having: place,
      tail: `ORDER BY ${keysOf(range).join(', ')} LIMIT ${limit + 1}`,
    }).all<SummedRow>();
    if (isTooWide(results)) return err({ kind: 'too_wide' });
    return ok(pageOf(list, range, results, limit, accounts?.edge));
  });

/** The keys with the highest sums, and how many keys there are. Without a next page. */
export type Ranked = { readonly items: readonly SpendItem[]; readonly of: number };

const rankedRows = (range: NarrowRange): Rows =>
  range.by === 'account' && range.account === undefined ? rowsOfAll(range) : rowsOf(range);

/** Reads a ranking. Fails with `too_wide` if the days have more rows than one report adds up. */
export const spendRanking = (
  db: D1Database,
  range: SpendRange,
  order: SpendOrder,
  limit: number,
): Queried<Ranked> =>
  attempt(async () => {
    const ranked = rankedRange(range, order);
    if (await searchesTooMany(db, ranked, rankedRows)) return err({ kind: 'too_wide' });
    const statement = rankingStatement(db, range, order, boundedLimit(limit));
    const found = readRanking((await statement.all<SummedRow>()).results, range);
    return found === undefined ? err({ kind: 'too_wide' }) : ok(found);
  });

const rankedRange = (range: SpendRange, order: SpendOrder): NarrowRange => ({
  ...range,
  only: order === 'denied' ? DENIED : SPENT,
});

/** The statement of a ranking: the highest sums first. `readRanking` reads its rows. By `charged` or `failed`, it has no denials. */
export const rankingStatement = (
  db: D1Database,
  range: SpendRange,
  order: SpendOrder,
  limit: number,
): D1PreparedStatement => {
  const ranked = rankedRange(range, order);
  return summed(db, ranked, rankedRows(ranked), {
    tail: `ORDER BY sum(${order}) DESC, ${keysOf(range).join(', ')} LIMIT ${limit}`,
  });
};

/** The statement of a report on one page, in the order of its keys. `readRanking` reads its rows. */
export const reportStatement = (
  db: D1Database,
  range: SpendRange & { readonly by: Exclude<SpendKey, 'account'> },
  limit: number,
): D1PreparedStatement =>
  summed(db, range, rowsOf(range), { tail: `ORDER BY ${keysOf(range).join(', ')} LIMIT ${limit}` });

/** Undefined if the days have more rows than one report adds up. */
export const readRanking = (
  results: readonly SummedRow[],
  range: Pick<SpendRange, 'scope' | 'reader'>,
): Ranked | undefined =>
  isTooWide(results)
    ? undefined
    : { items: results.map((row) => itemOf(row, range)), of: results[0]?.of ?? 0 };

/** A row that `summed` selects; sums are text, because they may exceed a safe integer. */
export type SummedRow = {
  readonly key: string;
  readonly and?: string;
  readonly asset: string;
} & Readonly<Record<(typeof SUMMED)[number], string>> & {
    readonly added: number;
    readonly of: number;
  } & Partial<LabelRow>;

/** Adds up rows, reading at most one more than the limit: `added` is their number. */
const summed = (
  db: D1Database,
  range: SpendRange,
  { sql, values }: Rows,
  { having, tail }: { readonly having?: CursorPlace | undefined; readonly tail: string },
): D1PreparedStatement => {
  const keys = keysOf(range).join(', ');
  // Every page reports too many rows.
  const after =
    having === undefined
      ? ''
      : `WHERE (${keys}) > (${having.map(() => '?').join(', ')}) OR (SELECT count(*) FROM rows) > ${MAX_ADDED}`;
  const sums = `SELECT ${keys}, ${SUMMED.map((column) => `CAST(sum(${column}) AS TEXT) AS ${column}`).join(', ')},
         (SELECT count(*) FROM rows) AS added, count(*) OVER () AS "of"
       FROM rows ${after} GROUP BY ${keys} ${tail}`;
  return db
    .prepare(
      `WITH rows AS MATERIALIZED (SELECT * FROM (${sql}) LIMIT ${MAX_ADDED + 1}) ${
        range.by === 'account' ? labelled(sums) : sums
      }`,
    )
    .bind(...values, ...(having ?? []));
};

/**
 * Joins the labels only of the rows on the page. They keep their order: SQLite reads a subquery with a LIMIT as it is, and before the join.
 */
const labelled = (sums: string): string =>
  `SELECT sums.*, ${LABEL_COLUMNS} FROM (${sums}) sums LEFT JOIN accounts l ON l.account = sums.key`;

const isTooWide = (results: readonly SummedRow[]): boolean => (results[0]?.added ?? 0) > MAX_ADDED;

const pageOf = (
  list: string,
  range: SpendRange,
  rows: readonly SummedRow[],
  limit: number,
  edge?: CursorPlace,
): ListPage<SpendItem> => {
  const { and } = range;
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  const next: CursorPlace | undefined =
    rows.length > limit && last !== undefined
      ? [last.key, ...(and === undefined ? [] : [last.and ?? '']), last.asset]
      : edge;
  return {
    items: shown.map((row) => itemOf(row, range)),
    ...(next === undefined ? {} : { next: cursorOf(list, next) }),
  };
};

const itemOf = (
  { key, and, asset, label = null, named_by = null, ancestors = null, ...sums }: SummedRow,
  { scope, reader }: Pick<SpendRange, 'scope' | 'reader'>,
): SpendItem => ({
  key,
  ...labelIn({ scope, reader: reader ?? scope }, key, { label, named_by, ancestors }),
  ...(and === undefined ? {} : { and }),
  asset,
  calls: BigInt(sums.calls),
  charged: BigInt(sums.charged),
  denied: BigInt(sums.denied),
  failed: BigInt(sums.failed),
  earned: BigInt(sums.earned),
});
