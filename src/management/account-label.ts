import { type AccountRow, operatorsLabel } from '../audit/account-row.ts';
import type { AccountId } from '../protocol/account-id.ts';

/** The row of an account in a statement that joins `accounts`; NULL without one. */
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
 * Attack: a list may have accounts that were in the tree once, or that came with the scope from a tree that the reader never was above. An
 * account that is not an ancestor now may not read the account, so it does not see its label (CWE-200).
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
