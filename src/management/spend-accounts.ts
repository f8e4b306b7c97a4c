import { daysBetween } from '../audit/day.ts';
import type { AccountId } from '../protocol/account-id.ts';
import { type CursorPlace, MAX_SCANNED } from './page.ts';
import { keysOf, type SpendRange } from './spend-range.ts';

/** Typical rows of an account for one day. */
const ROWS_A_DAY = 2;
/** Sorts after every key and asset. */
const LAST = '\u{10ffff}';

/**
 * The next accounts of a scope, in order: a page scans a bounded number of them. `edge`: after every row of the last one.
 *
 * Attack: the edge reveals an account, so it must be one of which the reader was an ancestor (CWE-200).
 */
export const accountsIn = async (
  db: D1Database,
  range: SpendRange,
  from: string,
): Promise<{ readonly some: readonly AccountId[]; readonly edge?: CursorPlace }> => {
  const { scope, reader = scope } = range;
  const days = Math.max(1, daysBetween(range.from, range.to) || 1);
  const most = Math.max(10, Math.floor(MAX_SCANNED / (ROWS_A_DAY * days)));
  const query =
    scope === '*'
      ? db
          .prepare('SELECT account FROM accounts WHERE account >= ?1 ORDER BY account LIMIT ?2')
          .bind(from, most + 1)
      : db
          .prepare(
            `SELECT account FROM (
               SELECT account FROM kin k WHERE ancestor = ?3 AND account >= ?1
                 AND (?4 = ?3 OR EXISTS (SELECT 1 FROM kin WHERE ancestor = ?4 AND account = k.account))
               ORDER BY account LIMIT ?2
             ) UNION SELECT ?3 WHERE ?3 >= ?1 ORDER BY account LIMIT ?2`,
          )
          .bind(from, most + 1, scope, reader);
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
