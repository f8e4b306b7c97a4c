import { type Day, dayOf, daysAfter, daysBetween } from '../audit/day.ts';
import { err, ok } from '../core/result.ts';
import { asOf } from './as-of.ts';
import type { AdminRequest, Handlers } from './handler.ts';
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
import { asOfMember, queryReason, refuse, replyReport, type ReplyResult } from './reply.ts';
import type { AnswerOf } from './routes.ts';
import { conditions, type SqlCondition, sqlOf, valuesOf } from './scan.ts';
import type { SPEND_ROUTES } from './spend.route.ts';
import type { AccountId } from '../protocol/account-id.ts';

export type SpendKey = 'tool' | 'payee' | 'day' | 'account';

/** The spend under one key. Denials have no asset: `''`. */
export type SpendItem = {
  readonly key: string;
  readonly asset: string;
  /** Ended calls. */
  readonly calls: bigint;
  /** Their charges, atomic units. A top-up charges nothing: the calls that use its credit do. */
  readonly charged: bigint;
  readonly denied: bigint;
  /** Calls that ended without success. */
  readonly failed: bigint;
};

export type SpendRange = {
  /** An account and its descendants at the time; `*`: all accounts. */
  readonly scope: AccountId | '*';
  /** First and last day, both included. */
  readonly from: Day;
  readonly to: Day;
  readonly by: SpendKey;
  readonly asset?: string | undefined;
};

/** Reports spend by key, in the order of the keys. Fails with `too_wide` if the days have more rows than one report adds up. */
export const spendReport = (
  db: D1Database,
  range: SpendRange & PageRequest,
): Queried<ListPage<SpendItem>> =>
  attempt(() =>
    range.by === 'account' ? spendByAccount(db, range) : spendBy(db, range, range.by),
  );

/** Rows of `spend` that one report adds up, at most. */
const MAX_ADDED = 200_000;

const spendBy = async (
  db: D1Database,
  { scope, from, to, asset, after, limit: wanted }: SpendRange & PageRequest,
  by: 'tool' | 'payee' | 'day',
): Queried<ListPage<SpendItem>> => {
  const limit = boundedLimit(wanted);
  const list = `spend ${by}`;
  const read = readCursor(list, ['string', 'string'], after);
  if (!read.ok) return read;
  // The key begins with the day, so a later page skips the days before.
  const first = by === 'day' && read.value !== undefined ? String(read.value[0]) : from;
  const within = (kind: 'own' | 'tree'): readonly SqlCondition[] => [
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

/** Reads at most one row more than one report adds up. */
const isTooWide = async (
  db: D1Database,
  within: (kind: 'own' | 'tree') => readonly SqlCondition[],
): Promise<boolean> => {
  const rows = (kind: 'own' | 'tree'): string => `SELECT 1 FROM spend WHERE ${sqlOf(within(kind))}`;
  const row = await db
    .prepare(`SELECT 1 FROM (${rows('own')} UNION ALL ${rows('tree')}) LIMIT 1 OFFSET ${MAX_ADDED}`)
    .bind(...valuesOf([...within('own'), ...within('tree')]))
    .first();
  return row !== null;
};

/**
 * Reports the own spend of each account while it was in the scope: accounts change parents. A page scans a bounded number of accounts and
 * skips those without spend.
 */
const spendByAccount = async (
  db: D1Database,
  { scope, from, to, asset, after, limit: wanted }: SpendRange & PageRequest,
): Queried<ListPage<SpendItem>> => {
  const limit = boundedLimit(wanted);
  const list = 'spend account';
  const read = readCursor(list, ['string', 'string'], after);
  if (!read.ok) return read;
  const most = Math.max(
    10,
    Math.floor(MAX_SCANNED / (ROWS_A_DAY * Math.max(1, daysBetween(from, to) || 1))),
  );
  const accounts = await accountsIn(db, scope, read.value, most + 1);
  const own: readonly SqlCondition[] = [
    ['s.day >= ?', from],
    ['s.day <= ?', to],
    ...conditions({ 's.asset = ?': asset }),
    ...(scope === '*' ? [] : [whileInScope(scope)]),
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
  // After every asset of the last scanned account.
  const edge: CursorPlace | undefined =
    accounts.length > most ? [accounts[most - 1] ?? '', LAST_ASSET] : undefined;
  return ok(pageOf(list, results, limit, edge));
};

/** Typical rows of an account for one day. */
const ROWS_A_DAY = 2;
/** Sorts after every asset, all of which are ASCII. */
const LAST_ASSET = '\u{10ffff}';

const whileInScope = (scope: AccountId): SqlCondition => [
  '(s.scope = ? OR EXISTS (SELECT 1 FROM json_each(s.above) WHERE value = ?))',
  scope,
  scope,
];

/** The accounts of a scope after an account, in order. */
const accountsIn = async (
  db: D1Database,
  scope: AccountId | '*',
  place: CursorPlace | undefined,
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

/** As text: a sum may exceed a safe integer. */
const SUMS = ['calls', 'charged', 'denied', 'failed']
  .map((column) => `CAST(sum(${column}) AS TEXT) AS ${column}`)
  .join(', ');

const pageOf = (
  list: string,
  rows: readonly SpendRow[],
  limit: number,
  edge?: CursorPlace,
): ListPage<SpendItem> => {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  const next: CursorPlace | undefined =
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

/** Days of a report without `from`, today included. */
const DEFAULT_DAYS = 30;

type Body = AnswerOf<'spend'>['items'][number];

const bodyOf = ({ key, asset, calls, charged, denied, failed }: SpendItem): Body => ({
  key,
  ...(asset === '' ? {} : { asset: asset as NonNullable<Body['asset']> }),
  calls: Number(calls),
  charged: charged.toString(),
  denied: Number(denied),
  failed: Number(failed),
});

const report = async (
  { context, query, request, now }: Omit<AdminRequest<'spend'>, 'params'>,
  scope: AccountId | '*',
): Promise<ReplyResult> => {
  const to = query.to ?? dayOf(now);
  const from = query.from ?? daysAfter(to, 1 - DEFAULT_DAYS);
  if (from > to) {
    return refuse({ reason: 'malformed_field', field: 'query.from', hint: 'must not be after to' });
  }
  // A report adds up descendants too: no single account knows how complete it is.
  const complete = await asOf(context, undefined, now);
  const found = await spendReport(context.db, { ...query, scope, from, to });
  if (!found.ok) return refuse(queryReason(found.error));
  const { items, next } = found.value;
  return replyReport(
    request,
    { from, to, items: items.map(bodyOf), ...asOfMember(complete) },
    next,
  );
};

export const spendHandlers: Handlers<keyof typeof SPEND_ROUTES> = {
  spend: (request) => report(request, '*'),
  'account.spend': (request) => report(request, request.params.account),
};
