import type { AccountId } from '../protocol/account-id.ts';
import { EFFECTIVE } from './account.ts';
import { withoutNulls } from './page.ts';
import type { AnswerOf } from './routes.ts';

type Stopped = NonNullable<AnswerOf<'account.overview'>['stopped']>;

type StoppedRow = Omit<Stopped['items'][number], 'label'> & {
  readonly label: string | null;
  readonly of: number;
};

/**
 * The accounts of a tree that are paused or frozen: `scope` itself and its present descendants.
 *
 * Attack: an account may have left the tree, or have joined it with its parent from a tree in which `reader` was never an ancestor. Former
 * ancestors may not see its present status (CWE-200).
 */
const STOPPED = `
SELECT a.account, a.label, ${EFFECTIVE} AS status, count(*) OVER () AS "of"
FROM (SELECT ?1 AS account UNION ALL SELECT account FROM kin WHERE ancestor = ?1 AND account <> ?1) member
CROSS JOIN accounts a ON a.account = member.account
WHERE ${EFFECTIVE} IN ('paused', 'frozen')
  AND (a.account = ?1 OR (instr(a.above, '"' || ?1 || '"') AND instr(a.above, '"' || ?2 || '"')))
ORDER BY a.account LIMIT ?3`;

/** The statement; `stoppedBody` reads its rows. */
export const stoppedStatement = (
  db: D1Database,
  scope: AccountId,
  reader: AccountId,
  most: number,
): D1PreparedStatement => db.prepare(STOPPED).bind(scope, reader, most);

export const stoppedBody = (result: D1Result | undefined): Stopped => {
  const rows = (result?.results ?? []) as readonly StoppedRow[];
  return {
    items: rows.map(({ of: _, ...row }) => withoutNulls(row)),
    of: rows[0]?.of ?? 0,
  };
};
