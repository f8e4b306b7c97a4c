import { loadWholeRun } from '../audit/archive/archived-entries.ts';
import { err, ok } from '../core/result.ts';
import { attempt, boundedLimit, type ListPage, type Queried } from './page.ts';
import type { AccountId } from '../protocol/account-id.ts';
import type { Entry, EntryType } from '../protocol/entry.ts';

/** The cursor of this list is a seq; `after` may be any seq of the chain. */
export type EntriesRequest = {
  readonly after?: number | undefined;
  readonly limit: number;
  readonly type?: EntryType | undefined;
};

/** Lists stored entries after a seq, oldest first: from R2 where D1 has forgotten them. Without an archive it skips those, so a page may begin later. */
export const listEntries = (
  db: D1Database,
  account: AccountId,
  { after = 0, limit: most, type }: EntriesRequest,
  bucket?: R2Bucket,
): Queried<ListPage<Entry, number>> =>
  attempt(async () => {
    if (!Number.isSafeInteger(after) || after < 0) return err({ kind: 'bad_cursor' });
    const limit = boundedLimit(most);
    // Seqs have no gaps, so a page without a filter ends at a known seq.
    const to = type === undefined ? after + limit + 1 : Number.MAX_SAFE_INTEGER;
    const { entries, last, more, archived } = await loadWholeRun(
      db,
      account,
      after + 1,
      to,
      bucket,
    );
    if (entries.length === 0) {
      const start = await startAfter(db, account, after + 1);
      return start === undefined
        ? ok({ items: [] })
        : listEntries(db, account, { after: start - 1, limit, type }, bucket);
    }
    const wanted = entries.filter((entry) => type === undefined || entry.type === type);
    const items = wanted.slice(0, limit);
    const next = wanted.length > limit ? items.at(-1)?.seq : more ? last : undefined;
    return ok({
      items,
      ...(next === undefined ? {} : { next }),
      ...(archived === true ? { archived } : {}),
    });
  });

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
