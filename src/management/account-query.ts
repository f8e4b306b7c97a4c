import type { AccountId } from '../protocol/account-id.ts';
import type { Seconds } from '../core/clock.ts';
import { ok } from '../core/result.ts';
import type { Status } from '../protocol/account/status.ts';
import { type Asked, attempt, type Page, type Queried } from './page.ts';
import { known } from './call-row.ts';
import { type Condition, conditions, scan, type Scan } from './scan.ts';

/** An account, as its entries tell it. */
export type AccountItem = {
  readonly account: AccountId;
  readonly parent?: AccountId;
  /** Its ancestors, nearest first. */
  readonly above: readonly AccountId[];
  readonly label?: string;
  /** The worse of the two below. */
  readonly status: Status;
  readonly ownerStatus: Status;
  readonly operatorStatus: Status;
  readonly firstAt: Seconds;
};

export type AccountFilter = {
  /** Directly below this one. */
  readonly parent?: AccountId | undefined;
  /** Below this one at any distance, now. */
  readonly under?: AccountId | undefined;
  readonly status?: Status | undefined;
  /** A part of the label, in either case. */
  readonly label?: string | undefined;
};

/** Accounts by name. */
export const listAccounts = (
  db: D1Database,
  { parent, under, status, label, ...asked }: AccountFilter & Asked,
): Queried<Page<AccountItem>> =>
  attempt(() =>
    scan(
      db,
      {
        ...(under === undefined ? direct(parent) : below(under)),
        filters: [
          ...(under === undefined
            ? []
            : [isBelow(under), ...conditions({ 'a.parent = ?': parent })]),
          ...conditions({
            [`${EFFECTIVE} = ?`]: status,
            'instr(lower(a.label), lower(?)) > 0': label,
          }),
        ],
      },
      asked,
      accountItem,
    ),
  );

export const findAccount = (db: D1Database, account: AccountId): Queried<AccountItem | undefined> =>
  attempt(async () => {
    const row = await db
      .prepare(`SELECT ${COLUMNS} FROM accounts a WHERE a.account = ?1`)
      .bind(account)
      .first<AccountRow>();
    return ok(row === null ? undefined : accountItem(row));
  });

type AccountRow = {
  readonly account: AccountId;
  readonly parent: AccountId | null;
  readonly above: string;
  readonly label: string | null;
  readonly effective: Status;
  readonly status: Status;
  readonly operator_status: Status;
  readonly first_at: number;
};

const EFFECTIVE = `CASE WHEN 'revoked' IN (a.status, a.operator_status) THEN 'revoked'
  WHEN 'frozen' IN (a.status, a.operator_status) THEN 'frozen'
  WHEN 'paused' IN (a.status, a.operator_status) THEN 'paused' ELSE 'active' END`;

const COLUMNS = `
a.account, a.parent, a.above, a.label, ${EFFECTIVE} AS effective, a.status, a.operator_status, a.first_at`;

type Driven = Omit<Scan<AccountRow>, 'filters'>;

const direct = (parent: AccountId | undefined): Driven => ({
  list: parent === undefined ? 'accounts' : 'accounts of',
  index: `accounts a${parent === undefined ? '' : ' INDEXED BY accounts_below'}`,
  key: ['a.account'],
  order: 'ASC',
  shape: ['string'],
  within: conditions({ 'a.parent = ?': parent }),
  range: { least: '' },
  columns: COLUMNS,
  joins: '',
  placeOf: ({ account }) => [account],
});

const below = (under: AccountId): Driven => ({
  ...direct(undefined),
  list: 'accounts under',
  index: 'kin k',
  key: ['k.account'],
  within: [['k.ancestor = ?', under]],
  joins: 'CROSS JOIN accounts a ON a.account = k.account',
});

/** `kin` remembers who was ever below; who has moved away is not. */
const isBelow = (under: AccountId): Condition => [
  'EXISTS (SELECT 1 FROM json_each(a.above) WHERE value = ?)',
  under,
];

const accountItem = (row: AccountRow): AccountItem =>
  known({
    account: row.account,
    parent: row.parent,
    above: JSON.parse(row.above) as AccountId[],
    label: row.label,
    status: row.effective,
    ownerStatus: row.status,
    operatorStatus: row.operator_status,
    firstAt: row.first_at,
  });
