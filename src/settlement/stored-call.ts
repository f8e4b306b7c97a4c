/**
 * Where a call is in D1. The key of `calls` begins with the time of acceptance, which a look-up by id does not know, and the index on the
 * account orders ids only within a segment of its log. So a look-up searches one segment after the other, newest first: a call that has not
 * ended is in one of the newest, and a million calls are about 700 segments.
 */

/** SQL expression: the segment of a log in which the account accepted a call. `firstSeq`: an SQL expression, the seq of that entry. */
export const segmentOf = (firstSeq: string): string => `(${firstSeq}) / 4096`;

/** Common table expression `segments`: the segments of an account in which it may have calls, newest first. `account`: an SQL expression. */
export const segmentsOf = (account: string, calls = 'calls'): string => `
  segments (segment) AS (
    SELECT max(newest.segment) FROM ${calls} newest WHERE newest.account = ${account}
    UNION ALL
    SELECT segment - 1 FROM segments WHERE segment > 0
  )`;

/**
 * SQL expression: the time at which an account accepted a call, which completes the key of its row; NULL if D1 has no such call. `calls`: the
 * table, which has an index of this name and `_of_account`.
 */
export const acceptedAtOf = (account: string, call: string, calls = 'calls'): string => `(
  WITH RECURSIVE ${segmentsOf(account, calls)}
  SELECT located.accepted_at FROM segments
  CROSS JOIN ${calls} located INDEXED BY ${calls}_of_account
    ON located.account = ${account} AND located.segment = segments.segment AND located.call = ${call}
  LIMIT 1
)`;
