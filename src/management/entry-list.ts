import { loadWholeRun } from '../audit/archive/archived-entries.ts';
import type { Seconds } from '../core/clock.ts';
import { err, ok } from '../core/result.ts';
import { attempt, boundedLimit, type ListPage, type Queried } from './page.ts';
import type { AccountId } from '../protocol/account-id.ts';
import type { Entry } from '../protocol/entry.ts';
import type { EntryType } from '../protocol/log/entry-types.ts';
import { seqBefore } from './seq-before.ts';

export type EntryFilter = {
  readonly type?: EntryType | undefined;
  readonly tool?: string | undefined;
  readonly rule?: string | undefined;
  /** At or after this second. */
  readonly from?: Seconds | undefined;
  /** Before this second. */
  readonly to?: Seconds | undefined;
};

/** The cursor of this list is a seq, so `after` may be any seq of the chain. */
type EntriesRequest = EntryFilter & {
  readonly after?: number | undefined;
  readonly limit: number;
};

/**
 * An account enters further denials by a rule ten seconds after the first one, or when it next wakes. A list by time searches this much
 * more of the log for them.
 */
const ENTERED_WITHIN: Seconds = 86_400;

/**
 * Lists stored entries after a seq, oldest first: from R2 if D1 has forgotten them. Without an archive it skips those, so a page may begin
 * later.
 */
export const listEntries = (
  db: D1Database,
  account: AccountId,
  { after, limit: most, ...filter }: EntriesRequest,
  bucket?: R2Bucket,
): Queried<ListPage<Entry, number>> =>
  attempt(async () => {
    const { from, to } = filter;
    const start = after ?? (from === undefined ? 0 : await seqBefore(db, account, from));
    if (!Number.isSafeInteger(start) || start < 0) return err({ kind: 'bad_cursor' });
    const limit = boundedLimit(most);
    const isFiltered = Object.values(filter).some((value) => value !== undefined);
    // Seqs have no gaps, so a page without a filter ends at a known seq.
    const end = isFiltered ? Number.MAX_SAFE_INTEGER : start + limit + 1;
    const run = await loadWholeRun(db, account, start + 1, end, bucket);
    const { entries, last, more, archived } = run;
    const newest = entries.at(-1);
    if (newest === undefined) {
      const first = await startAfter(db, account, start + 1);
      return first === undefined
        ? ok({ items: [] })
        : listEntries(db, account, { ...filter, after: first - 1, limit }, bucket);
    }
    const wanted = entries.filter((entry) => isWanted(entry, filter));
    const items = wanted.slice(0, limit);
    const isOver = to !== undefined && newest.at >= to + ENTERED_WITHIN;
    const rest = more && !isOver ? last : undefined;
    const next = wanted.length > limit ? items.at(-1)?.seq : rest;
    return ok({
      items,
      ...(next === undefined ? {} : { next }),
      ...(archived === true ? { archived } : {}),
    });
  });

const isWanted = (
  entry: Entry,
  { type, tool, rule, from = 0, to = Number.POSITIVE_INFINITY }: EntryFilter,
): boolean =>
  (type === undefined || entry.type === type) &&
  (tool === undefined || entry.tool === tool) &&
  (rule === undefined || entry.rule === rule) &&
  entry.at >= from &&
  entry.at < to;

/** The first stored seq after archived and deleted chunks. */
const startAfter = async (
  db: D1Database,
  account: AccountId,
  seq: number,
): Promise<number | undefined> => {
  const row = await db
    .prepare(
      'SELECT first_seq FROM chunks WHERE account = ?1 AND first_seq > ?2 ORDER BY first_seq LIMIT 1',
    )
    .bind(account, seq)
    .first<{ first_seq: number }>();
  return row?.first_seq;
};
