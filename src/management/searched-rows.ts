import type { NarrowRange } from './spend-range.ts';
import { DENIED, hasOnlyDenials, type Rows } from './spend-rows.ts';

/** Rows of `spend` that the filters of one report search, at most. */
export const MAX_SEARCHED = 500_000;

/**
 * Whether the filters of a report would search too many rows. No index has them, and the limit of a statement counts only rows that pass: a
 * filter that matches nothing would read all days of the scope.
 */
export const searchesTooMany = async (
  db: D1Database,
  { asset, tool, payee, rule, by, and, reader, ...range }: NarrowRange,
  rowsOf: (unfiltered: NarrowRange) => Rows,
): Promise<boolean> => {
  const { scope, account = scope } = range;
  const isFiltered =
    [asset, tool, payee, rule].some((filter) => filter !== undefined) ||
    // An ancestor reads all rows of the report's own account, but only a part of its tree.
    (reader !== undefined && range.account !== scope) ||
    (scope !== '*' && account !== scope);
  if (!isFiltered) return false;
  const only = hasOnlyDenials({ by, and, rule, ...range }) ? DENIED : undefined;
  const all = { ...range, only, by: by === 'rule' ? 'tool' : by } as const;
  const { sql, values } = rowsOf(range.account === undefined ? all : { ...all, scope: account });
  const { results } = await db
    .prepare(`SELECT 1 FROM (${sql}) LIMIT 1 OFFSET ${MAX_SEARCHED}`)
    .bind(...values)
    .all();
  return results.length > 0;
};
