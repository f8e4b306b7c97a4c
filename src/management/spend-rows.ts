import type { AccountId } from '../protocol/account-id.ts';
import type { CursorPlace } from './page.ts';
import { conditions, type SqlCondition, sqlOf, valuesOf } from './scan.ts';
import type { NarrowRange, SpendRange } from './spend-range.ts';

/** Rows of calls. */
export const SPENT: SqlCondition = ["s.asset <> ''"];
/** Rows of denials. */
export const DENIED: SqlCondition = ["s.rule <> ''"];

/** A statement that selects rows of `spend`. */
export type Rows = { readonly sql: string; readonly values: readonly (string | number)[] };

/** The sums of a report. */
export const SUMMED = ['calls', 'charged', 'denied', 'failed', 'earned'] as const;
const COLUMNS = {
  tool: 'tool',
  payee: 'payee',
  day: 'day',
  rule: 'rule',
  account: 'scope',
} as const;

const selected = ({ by, and }: SpendRange): string =>
  `s.${COLUMNS[by]} AS key${and === undefined ? '' : `, s.${COLUMNS[and]} AS "and"`}, s.asset, ${SUMMED.map((column) => `s.${column}`).join(', ')}`;

const filtersOf = ({
  from,
  to,
  asset,
  tool,
  payee,
  rule,
  ...range
}: NarrowRange): readonly SqlCondition[] => [
  ...conditions({ 's.day >= ?': from, 's.day <= ?': to, 's.asset = ?': asset, 's.tool = ?': tool }),
  ...conditions({ 's.payee = ?': payee, 's.rule = ?': rule }),
  ...(range.only === undefined ? [] : [range.only]),
  ...(range.only === undefined && hasOnlyDenials({ ...range, rule }) ? [DENIED] : []),
];

/** Whether a report adds up only denials. */
export const hasOnlyDenials = ({
  by,
  and,
  rule,
  only,
}: Omit<NarrowRange, 'from' | 'to' | 'scope'>): boolean =>
  only === DENIED || by === 'rule' || and === 'rule' || rule !== undefined;

/** Denials have an index: they are few among the rows of calls. */
const tableOf = (range: NarrowRange): string =>
  hasOnlyDenials(range) ? 'spend s INDEXED BY spend_denied' : 'spend s';

/** The rows of a scope, or of one account during its time in the scope. */
export const rowsOf = (range: NarrowRange, place?: CursorPlace): Rows => {
  const { scope, account, by, from, reader = scope } = range;
  // The first key is the day, so a later page skips the days before.
  const first = String(place?.[0] ?? '');
  const filters = filtersOf(by === 'day' && first > from ? { ...range, from: first } : range);
  const rows = (kind: 'own' | 'tree', whose: readonly SqlCondition[]): Rows => {
    const all = [...whose, ['s.kind = ?', kind] as const, ...filters];
    return {
      sql: `SELECT ${selected(range)} FROM ${tableOf(range)} WHERE ${sqlOf(all)}`,
      values: valuesOf(all),
    };
  };
  if (account !== undefined) {
    return rows('own', [
      ['s.scope = ?', account],
      ...(scope === '*' || scope === account ? [] : whileBelowBoth(range)),
    ]);
  }
  const [own, tree] = [
    rows('own', [['s.scope = ?', scope]]),
    rows('tree', [['s.scope = ?', scope], ...(reader === scope ? [] : [whileBelow(reader)])]),
  ];
  // All accounts together are no account's tree.
  return scope === '*'
    ? own
    : { sql: `${own.sql} UNION ALL ${tree.sql}`, values: [...own.values, ...tree.values] };
};

/** Rows written while an account was an ancestor: an ancestor of the row's account, or, for rows of a tree, of the row's scope. */
const whileBelow = (ancestor: AccountId | '*'): SqlCondition => [
  'EXISTS (SELECT 1 FROM json_each(s.above) WHERE value = ?)',
  ancestor,
];

const whileBelowBoth = ({ scope, reader }: NarrowRange): readonly SqlCondition[] =>
  [...new Set([scope, reader ?? scope])].map(whileBelow);

/** The rows of a scope, and of accounts while they were descendants of both the scope and the reading ancestor. */
const readableIn = (range: NarrowRange): readonly SqlCondition[] => {
  const { scope } = range;
  if (scope === '*') return [];
  const below = whileBelowBoth(range);
  return [[`(s.scope = ? OR (${sqlOf(below)}))`, scope, ...valuesOf(below)]];
};

/** The own rows of each of these accounts, written while the account was in the scope, because accounts can change parents. */
export const rowsOfEach = (range: SpendRange, accounts: readonly AccountId[]): Rows =>
  ownRows(range, 'json_each(?) member', 'member.value', [JSON.stringify(accounts)]);

/** The own rows of every account, written while the account was in the scope, because accounts can change parents. */
export const rowsOfAll = (range: NarrowRange): Rows =>
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
  const all = [...filtersOf(range), ...readableIn(range)];
  return {
    sql: `SELECT ${selected(range)} FROM ${accounts} CROSS JOIN ${tableOf(range)} ON s.scope = ${account} AND s.kind = 'own' WHERE ${sqlOf(all)}`,
    values: [...bound, ...valuesOf(all)],
  };
};
