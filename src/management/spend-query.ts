import { type Day, daysBetween } from '../audit/day.ts';
import { err, ok } from '../core/result.ts';
import type { AccountId } from '../protocol/account-id.ts';
import {
  attempt,
  boundedLimit,
  cursorOf,
  type CursorPlace,
  type ListPage,
  MAX_SCANNED,
  type PageRequest,
  type Queried,
  readCursor,
} from './page.ts';
import { conditions, type SqlCondition, sqlOf, valuesOf } from './scan.ts';

export type SpendKey = 'tool' | 'payee' | 'day' | 'rule' | 'account';
export type SpendOrder = 'charged' | 'denied';

/** The spend under one key, or under two. Denials have no asset: `''`. */
export type SpendItem = {
  readonly key: string;
  readonly and?: string;
  readonly asset: string;
  /** Ended calls. */
  readonly calls: bigint;
  /** Their charges, atomic units. A top-up charges nothing: the calls that use its credit do. */
  readonly charged: bigint;
  readonly denied: bigint;
  /** Calls that ended without success. */
  readonly failed: bigint;
  /** What payments and credit earned: of all accounts together only, else 0. */
  readonly earned: bigint;
};

export type SpendRange = {
  /** An account and its descendants at the time; `*`: all accounts. */
  readonly scope: AccountId | '*';
  /** First and last day, both included. */
  readonly from: Day;
  readonly to: Day;
  /** A report by rule has denials only. */
  readonly by: SpendKey;
  /** The second key. */
  readonly and?: Exclude<SpendKey, 'account'> | undefined;
  /** The account's own spend, while it was in the scope. */
  readonly account?: AccountId | undefined;
  readonly asset?: string | undefined;
  readonly tool?: string | undefined;
  readonly payee?: string | undefined;
  readonly rule?: string | undefined;
};

/** A range whose rows must meet a further condition. */
type NarrowRange = SpendRange & { readonly only?: SqlCondition };

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

const SPENT: SqlCondition = ["s.asset <> ''"];
const DENIED: SqlCondition = ["s.rule <> ''"];

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

type Rows = { readonly sql: string; readonly values: readonly (string | number)[] };

const SUMMED = ['calls', 'charged', 'denied', 'failed', 'earned'] as const;
const COLUMNS = {
  tool: 'tool',
  payee: 'payee',
  day: 'day',
  rule: 'rule',
  account: 'scope',
} as const;

const listOf = ({ by, and }: SpendRange): string =>
  and === undefined ? `spend ${by}` : `spend ${by} ${and}`;

const keysOf = ({ and }: SpendRange): readonly string[] =>
  and === undefined ? ['key', 'asset'] : ['key', '"and"', 'asset'];

const selected = ({ by, and }: SpendRange): string =>
  `s.${COLUMNS[by]} AS key${and === undefined ? '' : `, s.${COLUMNS[and]} AS "and"`}, s.asset, ${SUMMED.map((column) => `s.${column}`).join(', ')}`;

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

const filtersOf = ({
  from,
  to,
  by,
  and,
  asset,
  tool,
  payee,
  rule,
  only,
}: NarrowRange): readonly SqlCondition[] => [
  ...conditions({ 's.day >= ?': from, 's.day <= ?': to, 's.asset = ?': asset, 's.tool = ?': tool }),
  ...conditions({ 's.payee = ?': payee, 's.rule = ?': rule }),
  ...(by === 'rule' || and === 'rule' ? [DENIED] : []),
  ...(only === undefined ? [] : [only]),
];

/** The rows of a scope, or of one account while it was in the scope. */
const rowsOf = (range: NarrowRange, place?: CursorPlace): Rows => {
  const { scope, account, by, from } = range;
  // The first key is the day, so a later page skips the days before.
  const first = String(place?.[0] ?? '');
  const filters = filtersOf(by === 'day' && first > from ? { ...range, from: first } : range);
  const rows = (kind: 'own' | 'tree', whose: readonly SqlCondition[]): Rows => {
    const all = [...whose, ['s.kind = ?', kind] as const, ...filters];
    return {
      sql: `SELECT ${selected(range)} FROM spend s WHERE ${sqlOf(all)}`,
      values: valuesOf(all),
    };
  };
  if (account !== undefined) {
    return rows('own', [
      ['s.scope = ?', account],
      ...(scope === '*' || scope === account ? [] : [whileInScope(scope)]),
    ]);
  }
  const [own, tree] = [
    rows('own', [['s.scope = ?', scope]]),
    rows('tree', [['s.scope = ?', scope]]),
  ];
  // All accounts together are no account's tree.
  return scope === '*'
    ? own
    : { sql: `${own.sql} UNION ALL ${tree.sql}`, values: [...own.values, ...tree.values] };
};

const whileInScope = (scope: AccountId): SqlCondition => [
  '(s.scope = ? OR EXISTS (SELECT 1 FROM json_each(s.above) WHERE value = ?))',
  scope,
  scope,
];

/** The own rows of each of these accounts while it was in the scope: accounts change parents. */
const rowsOfEach = (range: SpendRange, accounts: readonly AccountId[]): Rows =>
  ownRows(range, 'json_each(?) member', 'member.value', [JSON.stringify(accounts)]);

/** The own rows of every account that was ever in the scope, while it was in it. */
const rowsOfAll = (range: NarrowRange): Rows =>
  range.scope === '*'
    ? ownRows(
        range,
        "(SELECT account FROM accounts WHERE account > '') member",
        'member.account',
        [],
      )
    : ownRows(
        range,
        '(SELECT account FROM kin WHERE ancestor = ? UNION SELECT ?) member',
        'member.account',
        [range.scope, range.scope],
      );

const ownRows = (
  range: NarrowRange,
  accounts: string,
  account: string,
  bound: readonly string[],
): Rows => {
  const all = [...filtersOf(range), ...(range.scope === '*' ? [] : [whileInScope(range.scope)])];
  return {
    sql: `SELECT ${selected(range)} FROM ${accounts} CROSS JOIN spend s ON s.scope = ${account} AND s.kind = 'own' WHERE ${sqlOf(all)}`,
    values: [...bound, ...valuesOf(all)],
  };
};

/** Typical rows of an account for one day. */
const ROWS_A_DAY = 2;
/** Sorts after every key and asset. */
const LAST = '\u{10ffff}';

/** The next accounts of a scope, in order: a page scans a bounded number of them. `edge`: after every row of the last one. */
const accountsIn = async (
  db: D1Database,
  range: SpendRange,
  from: string,
): Promise<{ readonly some: readonly AccountId[]; readonly edge?: CursorPlace }> => {
  const { scope } = range;
  const days = Math.max(1, daysBetween(range.from, range.to) || 1);
  const most = Math.max(10, Math.floor(MAX_SCANNED / (ROWS_A_DAY * days)));
  const query =
    scope === '*'
      ? db
          .prepare('SELECT account FROM accounts WHERE account >= ?1 ORDER BY account LIMIT ?2')
          .bind(from, most + 1)
      : db
          .prepare(
            `SELECT account FROM (SELECT account FROM kin WHERE ancestor = ?3 AND account >= ?1 ORDER BY account LIMIT ?2)
             UNION SELECT ?3 WHERE ?3 >= ?1 ORDER BY account LIMIT ?2`,
          )
          .bind(from, most + 1, scope);
  const { results } = await query.all<{ account: AccountId }>();
  const some = results.slice(0, most).map(({ account }) => account);
  const last = some.at(-1);
  return results.length > most && last !== undefined
    ? {
        some,
        edge: [
          last,
          ...keysOf(range)
            .slice(1)
            .map(() => LAST),
        ],
      }
    : { some };
};

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
