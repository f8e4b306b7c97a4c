import { type Day, daysAfter, startOf } from '../audit/day.ts';
import type { Seconds } from '../core/clock.ts';
import { ok } from '../core/result.ts';
import type { AccountId } from '../protocol/account-id.ts';
import type { CallFilter } from './archived-call-list.ts';
import { factsOf } from './call-list.ts';
import { CALL_COLUMNS, callItemOf, type CallItem, type CallRow } from './call-row.ts';
import { attempt, boundedLimit, type Queried } from './page.ts';
import { type SqlCondition, sqlOf, valuesOf } from './scan.ts';
import { CLOCKS } from './seq-before.ts';

/** `all`: every matching call. `newest`: only older calls are missing. `some`: newer calls may be missing too. */
export type Shown = 'all' | 'newest' | 'some';

export type NewestCalls = {
  readonly items: readonly CallItem[];
  readonly shows: Shown;
  /** Accounts whose calls were read: those of the tree that were active last. */
  readonly read: number;
};

export type NewestFilter = Omit<CallFilter, 'account' | 'from' | 'to' | 'endedFrom' | 'endedTo'> & {
  readonly limit: number;
};

/** The most accounts of a tree, former ones included, whose last activity is read. */
const MOST_ACCOUNTS = 20_000;
/** At least this many accounts are read, however long their logs are. */
const FEW = 50;
/** Further accounts are read while the newest segments of all their logs have at most this many entries. */
const MOST_ENTRIES = 10_000;
const MANY = 500;
/** Entries of the two newest segments of a log. */
const TWO_SEGMENTS = 8_192;
/** How many calls of an account a filter searches. */
const FILTERED = 200;

/**
 * Lists the newest calls of an account and its present descendants, in the order of acceptance. No index has the calls of a tree, because
 * it would cost every call a row. So the gateway reads the accounts whose log grew last, and of each its newest calls. An account that it
 * did not read has accepted no call after its last chunk was stored.
 *
 * Attack: with a scan of all calls, filtered by tree, the cursor or the end would show an owner how many calls others make. An account may
 * also have moved here from a tree in which `reader` was never an ancestor: `reader` sees only the accounts whose ancestor it is itself
 * (CWE-200).
 *
 * @param reader the ancestor that reads; the account itself if it or an operator does
 */
export const newestCalls = (
  db: D1Database,
  tree: AccountId,
  reader: AccountId,
  { limit: wanted, ...filter }: NewestFilter,
): Queried<NewestCalls> =>
  attempt(async () => {
    const limit = boundedLimit(wanted);
    const { results: active } = await db.prepare(LAST_ACTIVE).bind(tree, reader).all<ActiveRow>();
    const read = readable(active);
    const next = active[read.length];
    const facts = factsOf(filter);
    const isFiltered = facts.length > 0;
    const most = isFiltered ? Math.max(FILTERED, limit + 1) : limit + 1;
    const { results } = await db
      .prepare(newestOf(facts, limit + 1))
      .bind(JSON.stringify(read.map(({ account }) => account)), most, tree, ...valuesOf(facts))
      .all<FoundRow>();
    const found = results.filter((row) => row.call !== null);
    const shown = found.slice(0, limit);
    const { floor, archived, is_more: isMore } = results[0] ?? NOTHING;
    const missing = Math.max(
      // Without a filter, an account with more calls than were read fills the list.
      isFiltered ? (floor ?? -1) : -1,
      next === undefined ? -1 : next.at + CLOCKS,
      archived === null ? -1 : startOf(daysAfter(archived, 1)),
      isMore === null ? -1 : Infinity,
    );
    return ok({
      items: shown.map(callItemOf),
      shows: shownBy(shown, found.length > limit, missing),
      read: read.length,
    });
  });

type ActiveRow = {
  readonly account: AccountId;
  /** When its last chunk was stored. */
  readonly at: Seconds;
  readonly last_seq: number;
};

/** How complete the list is. */
type Missing = {
  /** Up to this time, calls may be missing of an account that has more calls than were read. */
  readonly floor: Seconds | null;
  /** Archived calls were accepted on this day or earlier. */
  readonly archived: Day | null;
  /** 1: the tree has more accounts than are looked at. */
  readonly is_more: 1 | null;
};

const NOTHING: Missing = { floor: null, archived: null, is_more: null };

/** A row, which may lack a call. */
type FoundRow = (CallRow | { readonly call: null }) & Missing;

/** The last chunk of an account; if D1 has forgotten all chunks, the account's watermark, which is later. */
const LAST_CHUNK = (table: string, order = '') =>
  `(SELECT json_array(at, last_seq) FROM ${table} WHERE account = member.account ${order})`;

const LAST_ACTIVE = `
WITH member (account) AS (
  SELECT ?1
  UNION ALL
  SELECT a.account FROM (SELECT account FROM kin WHERE ancestor = ?1 AND account <> ?1 LIMIT ${MOST_ACCOUNTS}) descendant
  CROSS JOIN accounts a ON a.account = descendant.account AND instr(a.above, '"' || ?1 || '"') AND instr(a.above, '"' || ?2 || '"')
),
last AS MATERIALIZED (
  SELECT account, coalesce(${LAST_CHUNK('chunks', 'ORDER BY first_seq DESC LIMIT 1')}, ${LAST_CHUNK('archived')}) AS chunk FROM member
)
SELECT account, chunk ->> 0 AS at, chunk ->> 1 AS last_seq
FROM last WHERE chunk IS NOT NULL ORDER BY at DESC, account LIMIT ${MANY + 1}`;

/** The accounts whose calls are read. */
const readable = (active: readonly ActiveRow[]): readonly ActiveRow[] => {
  let entries = 0;
  return active.slice(0, MANY).filter(({ last_seq: last }, at) => {
    entries += Math.min(last, TWO_SEGMENTS);
    return at < FEW || entries <= MOST_ENTRIES;
  });
};

/** The newest calls of each account, in the order of its log; then the newest of all that match. */
const newestOf = (facts: readonly SqlCondition[], limit: number): string => `
WITH places AS MATERIALIZED (
  SELECT value AS account, (
    SELECT json_group_array(json_array(accepted_at, call)) FROM (
      SELECT accepted_at, call FROM calls c INDEXED BY calls_of_account WHERE c.account = member.value
      ORDER BY c.segment DESC, c.accepted_at DESC, c.call DESC LIMIT ?2
    )
  ) AS calls FROM json_each(?1) member
)
SELECT * FROM (
  SELECT max(calls ->> '$[#-1][0]') AS floor, (SELECT day FROM archived_calls ORDER BY day DESC LIMIT 1) AS archived,
    (SELECT 1 FROM kin WHERE ancestor = ?3 LIMIT 1 OFFSET ${MOST_ACCOUNTS}) AS is_more
  FROM places WHERE json_array_length(calls) = ?2
)
LEFT JOIN (
  SELECT ${CALL_COLUMNS} FROM (
    SELECT account, place.value ->> 0 AS at, place.value ->> 1 AS call FROM places CROSS JOIN json_each(places.calls) place
    ${facts.length === 0 ? '' : `WHERE EXISTS (SELECT 1 FROM calls c WHERE ${IS_PLACE('place.value ->> 0', 'places.account', 'place.value ->> 1')} AND ${sqlOf(facts)})`}
    ORDER BY at DESC, account DESC, call DESC LIMIT ${limit}
  ) newest CROSS JOIN calls c ON ${IS_PLACE('newest.at', 'newest.account', 'newest.call')}
)`;

const IS_PLACE = (at: string, account: string, call: string): string =>
  `c.accepted_at = ${at} AND c.account = ${account} AND c.call = ${call}`;

/** `missing`: every matching call that was not found was accepted by this time; -1 if all were found. */
const shownBy = (shown: readonly CallRow[], isCut: boolean, missing: Seconds): Shown => {
  if (missing < 0) return isCut ? 'newest' : 'all';
  const oldest = shown.at(-1)?.accepted_at ?? 0;
  return oldest > missing ? 'newest' : 'some';
};
