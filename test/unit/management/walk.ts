import { entryHash } from '../../../src/audit/entry.ts';
import { storeChunk } from '../../../src/audit/store.ts';
import type { ListPage, PageRequest, Queried } from '../../../src/management/page.ts';
import type { AccountId } from '../../../src/protocol/account-id.ts';
import type { Entry, EntryBody } from '../../../src/protocol/entry.ts';
import { db, messageOf } from '../audit/database.ts';
import { history, START } from '../audit/history.ts';
import { expect } from 'vitest';

/** Reads all items of a list, page by page. */
export const walk = async <T>(
  ask: (page: PageRequest) => Queried<ListPage<T>>,
  limit: number,
): Promise<T[]> => {
  const items: T[] = [];
  let after: string | undefined;
  do {
    const found = await ask({ limit, after });
    if (!found.ok) throw new Error(found.error.kind);
    expect(found.value.items.length).toBeLessThanOrEqual(limit);
    items.push(...found.value.items);
    after = found.value.next;
  } while (after !== undefined);
  return items;
};

/** The value of a successful query. */
export const valueOf = async <T>(query: Queried<T>): Promise<T> => {
  const found = await query;
  if (!found.ok) throw new Error(JSON.stringify(found.error));
  return found.value;
};

/** Writes these events to an account's log, in chunks of this many entries. */
export const happen = async (
  account: AccountId,
  bodies: readonly EntryBody[],
  step = bodies.length,
) => {
  const entries = history(account, bodies);
  for (let from = 0; from < entries.length; from += step) {
    const stored = await storeChunk(db, await messageOf(entries.slice(from, from + step)), START);
    if (!stored.ok) throw new Error(JSON.stringify(stored.error));
  }
  return entries;
};

export const named = (items: readonly { readonly call: string }[]): number[] =>
  items.map(({ call }) => Number(call));

/** Archives and deletes every chunk up to an entry, as an operator does after an export. */
export const archive = (last: Entry) =>
  db.batch([
    db
      .prepare('INSERT INTO archived VALUES (?, ?, ?, ?)')
      .bind(last.account, last.seq, entryHash(last), START),
    db
      .prepare('DELETE FROM chunks WHERE account = ? AND last_seq <= ?')
      .bind(last.account, last.seq),
  ]);
