import type { AccountId } from '../protocol/account-id.ts';
import { err, ok } from '../core/result.ts';
import { type Day, daysBetween } from '../audit/day.ts';
import { cursorOf, type Place, readCursor } from './cursor.ts';
import { type Asked, attempt, boundedLimit, MAX_SCANNED, type Page, type Queried } from './page.ts';
import { type Condition, conditions, sqlOf, valuesOf } from './scan.ts';

export type SpendKey = 'tool' | 'payee' | 'day' | 'account';

/** What was spent under one key. A denial has no asset: `''`. */
export type SpendItem = {
  readonly key: string;
  readonly asset: string;
  /** Calls that have ended. */
  readonly calls: bigint;
  /** What they cost, atomic units. A top-up costs nothing: its money is spent by the calls that use the credit. */
  readonly charged: bigint;
  readonly denied: bigint;
  /** Calls that ended without success. */
  readonly failed: bigint;
};

export type SpendAsked = {
  /** An account and all that was below it at the time; `*` is everybody. */
  readonly scope: AccountId | '*';
  /** First and last day, both counted. */
  readonly from: Day;
  readonly to: Day;
  readonly by: SpendKey;
  readonly asset?: string | undefined;
};

/** Spend by key, in the order of the keys. `too_wide` where the days hold more than can be added up at once. */
export const spendReport = (db: D1Database, asked: SpendAsked & Asked): Queried<Page<SpendItem>> =>
  attempt(() =>
    asked.by === 'account' ? spendByAccount(db, asked) : spendBy(db, asked, asked.by),
  );

/** Rows of `spend` that one report adds up, at most. */
const MAX_ADDED = 200_000;

const spendBy = async (
  db: D1Database,
  { scope, from, to, asset, after, limit: asked }: SpendAsked & Asked,
  by: 'tool' | 'payee' | 'day',
): Queried<Page<SpendItem>> => {
  const limit = boundedLimit(asked);
  const list = `spend ${by}`;
  const read = readCursor(list, ['string', 'string'], after);
  if (!read.ok) return read;
  // Days come in the order of the key, so a later page need not look at the earlier ones again.
  const first = by === 'day' && read.value !== undefined ? String(read.value[0]) : from;
  const within = (kind: 'own' | 'tree'): readonly Condition[] => [
    ...conditions({ 'scope = ?': scope, 'kind = ?': kind }),
    ...conditions({ 'day >= ?': first < from ? from : first, 'day <= ?': to, 'asset = ?': asset }),
  ];
  if (await isTooWide(db, within)) return err({ kind: 'too_wide' });
  const rows = (kind: 'own' | 'tree'): string =>
    `SELECT ${by} AS key, asset, calls, charged, denied, failed FROM spend WHERE ${sqlOf(within(kind))}`;
  const { results } = await db
    .prepare(
      `SELECT key, asset, ${SUMS} FROM (${rows('own')} UNION ALL ${rows('tree')})
       ${read.value === undefined ? '' : 'WHERE (key, asset) > (?, ?)'} GROUP BY key, asset ORDER BY key, asset LIMIT ${limit + 1}`,
    )
    .bind(...valuesOf([...within('own'), ...within('tree')]), ...(read.value ?? []))
    .all<SpendRow>();
  return ok(pageOf(list, results, limit));
};

/** Looks at no more rows than may be added up. */
const isTooWide = async (
  db: D1Database,
  within: (kind: 'own' | 'tree') => readonly Condition[],
): Promise<boolean> => {
  const rows = (kind: 'own' | 'tree'): string => `SELECT 1 FROM spend WHERE ${sqlOf(within(kind))}`;
  const row = await db
    .prepare(`SELECT 1 FROM (${rows('own')} UNION ALL ${rows('tree')}) LIMIT 1 OFFSET ${MAX_ADDED}`)
    .bind(...valuesOf([...within('own'), ...within('tree')]))
    .first();
  return row !== null;
};

/**
 * Spend by account adds up what each did itself, while it was where it is asked for: accounts move. As many accounts a page as have rows
 * for a bounded scan; one that spent nothing is passed over.
 */
const spendByAccount = async (
  db: D1Database,
  { scope, from, to, asset, after, limit: asked }: SpendAsked & Asked,
): Queried<Page<SpendItem>> => {
  const limit = boundedLimit(asked);
  const list = 'spend account';
  const read = readCursor(list, ['string', 'string'], after);
  if (!read.ok) return read;
  const most = Math.max(
    10,
    Math.floor(MAX_SCANNED / (ROWS_A_DAY * Math.max(1, daysBetween(from, to) || 1))),
  );
  const accounts = await accountsIn(db, scope, read.value, most + 1);
  const own: readonly Condition[] = [
    ['s.day >= ?', from],
    ['s.day <= ?', to],
    ...conditions({ 's.asset = ?': asset }),
    ...(scope === '*' ? [] : [whileBelow(scope)]),
    ...(read.value === undefined ? [] : [['(s.scope, s.asset) > (?, ?)', ...read.value] as const]),
  ];
  const { results } = await db
    .prepare(
      `SELECT s.scope AS key, s.asset, ${SUMS}
       FROM json_each(?) a CROSS JOIN spend s ON s.scope = a.value AND s.kind = 'own'
       WHERE ${sqlOf(own)} GROUP BY s.scope, s.asset ORDER BY s.scope, s.asset LIMIT ${limit + 1}`,
    )
    .bind(JSON.stringify(accounts.slice(0, most)), ...valuesOf(own))
    .all<SpendRow>();
  // Behind every asset of the last account that was looked at.
  const edge: Place | undefined =
    accounts.length > most ? [accounts[most - 1] ?? '', LAST_ASSET] : undefined;
  return ok(pageOf(list, results, limit, edge));
};

/** Rows that an account has for one day, about. */
const ROWS_A_DAY = 2;
/** Sorts behind every asset: those are ASCII. */
const LAST_ASSET = '\u{10ffff}';

const whileBelow = (scope: AccountId): Condition => [
  '(s.scope = ? OR EXISTS (SELECT 1 FROM json_each(s.above) WHERE value = ?))',
  scope,
  scope,
];

/** The accounts of a scope by name, from a place on. */
const accountsIn = async (
  db: D1Database,
  scope: AccountId | '*',
  place: Place | undefined,
  count: number,
): Promise<readonly AccountId[]> => {
  const from = place?.[0] ?? '';
  const query =
    scope === '*'
      ? db
          .prepare('SELECT account FROM accounts WHERE account >= ?1 ORDER BY account LIMIT ?2')
          .bind(from, count)
      : db
          .prepare(
            `SELECT account FROM (SELECT account FROM kin WHERE ancestor = ?3 AND account >= ?1 ORDER BY account LIMIT ?2)
             UNION SELECT ?3 WHERE ?3 >= ?1 ORDER BY account LIMIT ?2`,
          )
          .bind(from, count, scope);
  const { results } = await query.all<{ account: AccountId }>();
  return results.map(({ account }) => account);
};

type SpendRow = { readonly key: string; readonly asset: string } & Readonly<
  Record<'calls' | 'charged' | 'denied' | 'failed', string>
>;

/** As text: a sum may be more than a number holds. */
const SUMS = ['calls', 'charged', 'denied', 'failed']
  .map((column) => `CAST(sum(${column}) AS TEXT) AS ${column}`)
  .join(', ');

const pageOf = (
  list: string,
  rows: readonly SpendRow[],
  limit: number,
  edge?: Place,
): Page<SpendItem> => {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  const next: Place | undefined =
    rows.length > limit && last !== undefined ? [last.key, last.asset] : edge;
  return {
    items: shown.map(({ key, asset, calls, charged, denied, failed }) => ({
      key,
      asset,
      calls: BigInt(calls),
      charged: BigInt(charged),
      denied: BigInt(denied),
      failed: BigInt(failed),
    })),
    ...(next === undefined ? {} : { next: cursorOf(list, next) }),
  };
};
