import { storeChunk } from '../../../src/audit/store.ts';
import type { ListPage, PageRequest, Queried } from '../../../src/management/page.ts';
import type { AccountId } from '../../../src/protocol/account-id.ts';
import type { EntryBody } from '../../../src/protocol/entry.ts';
import { db, messageOf } from '../audit/database.ts';
import { history, START } from '../audit/history.ts';
import { expect } from 'vitest';

/** Reads all items of a list, page by page. */
export const walk = async <T>(
  ask: (asked: PageRequest) => Queried<ListPage<T>>,
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
export const valueOf = async <T>(asked: Queried<T>): Promise<T> => {
  const found = await asked;
  if (!found.ok) throw new Error(JSON.stringify(found.error));
  return found.value;
};

/** Writes these events to an account's log, in chunks of that many entries. */
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
