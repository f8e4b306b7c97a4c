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

/** What a report adds up. */
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
export const rowsOf = (range: NarrowRange, place?: CursorPlace): Rows => {
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
export const rowsOfEach = (range: SpendRange, accounts: readonly AccountId[]): Rows =>
  ownRows(range, 'json_each(?) member', 'member.value', [JSON.stringify(accounts)]);

/** The own rows of every account that was ever in the scope, while it was in it. */
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
  const all = [...filtersOf(range), ...(range.scope === '*' ? [] : [whileInScope(range.scope)])];
  return {
    sql: `SELECT ${selected(range)} FROM ${accounts} CROSS JOIN spend s ON s.scope = ${account} AND s.kind = 'own' WHERE ${sqlOf(all)}`,
    values: [...bound, ...valuesOf(all)],
  };
};
