import { type AccountRow, operatorsLabel } from '../audit/account-row.ts';
import type { AccountId } from '../protocol/account-id.ts';

/** The account's row in a statement that joins `accounts`; NULL if there is none. */
export type LabelRow = {
  readonly label: string | null;
  readonly named_by: AccountRow['namedBy'] | null;
  /** Its ancestors now, a JSON list. */
  readonly ancestors: string | null;
};

export const LABEL_COLUMNS = 'l.label, l.named_by, l.above AS ancestors';

/** The scope of a list, and the account that reads it: an ancestor of the scope; the scope itself if it or an operator does. */
export type LabelReader = { readonly scope: AccountId | '*'; readonly reader: AccountId | '*' };

/**
 * The label of an account, for a reader of a scope.
 *
 * Attack: a list may contain accounts that have left the tree, or that joined it with the scope from a tree in which the reader was never
 * an ancestor. Only a present ancestor may read the account, so only a present ancestor sees the label (CWE-200).
 */
export const labelIn = (
  { scope, reader }: LabelReader,
  account: string,
  { label, named_by: namedBy, ancestors }: LabelRow,
): { readonly label?: string } => {
  if (label === null) return {};
  if (scope === '*') return { label: operatorsLabel(label, namedBy) };
  if (scope === account) return { label };
  const above = JSON.parse(ancestors ?? '[]') as readonly string[];
  return above.includes(scope) && above.includes(reader) ? { label } : {};
};

/** Reads the labels of accounts that a reader of a scope may see. */
export const readLabels = async (
  db: D1Database,
  of: LabelReader,
  accounts: readonly AccountId[],
): Promise<ReadonlyMap<AccountId, string>> => {
  const { results } = await db
    .prepare(
      `SELECT l.account, ${LABEL_COLUMNS} FROM json_each(?1) CROSS JOIN accounts l ON l.account = value`,
    )
    .bind(JSON.stringify(accounts))
    .all<LabelRow & { readonly account: AccountId }>();
  return new Map(
    results.flatMap(({ account, ...row }) => {
      const { label } = labelIn(of, account, row);
      return label === undefined ? [] : [[account, label] as const];
    }),
  );
};
