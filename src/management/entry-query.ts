import type { AccountId } from '../protocol/account-id.ts';
import type { Entry, EntryType } from '../protocol/entry.ts';
import { err, ok } from '../core/result.ts';
import { loadRun } from '../audit/run.ts';
import { attempt, boundedLimit, type Page, type Queried } from './page.ts';

/** Entries of an account in the order of its chain. A place in it is a seq, so the cursor is one, too: `after` may be any seq. */
export type EntriesAsked = {
  readonly after?: number | undefined;
  readonly limit: number;
  readonly type?: EntryType | undefined;
};

/** Stored entries with a seq above `after`. What is archived and deleted is passed over: the first seq of a page may be a later one. */
export const listEntries = (
  db: D1Database,
  account: AccountId,
  { after = 0, limit: asked, type }: EntriesAsked,
): Queried<Page<Entry, number>> =>
  attempt(async () => {
    if (!Number.isSafeInteger(after) || after < 0) return err({ kind: 'bad_cursor' });
    const limit = boundedLimit(asked);
    // Seqs have no gaps: without a filter it is known how far to read.
    const to = type === undefined ? after + limit + 1 : Number.MAX_SAFE_INTEGER;
    const { entries, last, more } = await loadRun(db, account, after + 1, to);
    if (entries.length === 0) {
      const start = await startAfter(db, account, after + 1);
      return start === undefined
        ? ok({ items: [] })
        : listEntries(db, account, { after: start - 1, limit, type });
    }
    const wanted = entries.filter((entry) => type === undefined || entry.type === type);
    const items = wanted.slice(0, limit);
    const next = wanted.length > limit ? items.at(-1)?.seq : more ? last : undefined;
    return ok({ items, ...(next === undefined ? {} : { next }) });
  });

/** Where the chain goes on behind what is archived and deleted. */
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
