import { storeChunk } from '../../../src/audit/store.ts';
import type { LedgerItem } from '../../../src/management/ledger.route.ts';
import { type LedgerRange, readLedger } from '../../../src/management/ledger-query.ts';
import type { Entry } from '../../../src/protocol/entry.ts';
import { db, messageOf } from '../audit/database.ts';
import { START } from '../audit/history.ts';

export const store = async (entries: readonly Entry[]) => {
  const stored = await storeChunk(db, await messageOf(entries), START);
  if (!stored.ok) throw new Error(JSON.stringify(stored.error));
};

/** The items of all pages. */
export const totalsOf = async (
  range: Partial<LedgerRange> = {},
): Promise<readonly LedgerItem[]> => {
  const items: LedgerItem[] = [];
  let after: string | undefined;
  do {
    const from = { from: '2027-01-10', to: '2027-12-31', feeOn: () => 0n };
    const found = await readLedger(db, { ...from, ...range, after });
    if (!found.ok) throw new Error(JSON.stringify(found.error));
    items.push(...found.value.items);
    after = found.value.next;
  } while (after !== undefined);
  return items;
};

export const line = (items: readonly LedgerItem[], name: LedgerItem['line']) =>
  items
    .filter((item) => item.line === name)
    .map(({ day, asset, tool, payee, count, amount }) =>
      [day, asset, tool, payee, count, amount].filter((cell) => cell !== undefined).join(' '),
    );
