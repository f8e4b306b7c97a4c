import { beforeEach, describe, expect, test } from 'vitest';
import { listEntries } from '../../../src/management/entry-list.ts';
import type { Entry } from '../../../src/protocol/entry.ts';
import { db, freshDatabase } from '../audit/database.ts';
import { accepted, ALICE, paidCalls, settled } from '../audit/history.ts';
import { archive, happen, valueOf } from './walk.ts';

beforeEach(freshDatabase);

describe('entries', () => {
  const pages = async (limit: number, type?: Entry['type']): Promise<Entry[]> => {
    const all: Entry[] = [];
    let after: number | undefined;
    do {
      const { items, next } = await valueOf(listEntries(db, ALICE, { after, limit, type }));
      all.push(...items);
      after = next;
    } while (after !== undefined);
    return all;
  };

  test.each([1, 4, 7, 1_000])('are listed in the order of the chain, %i a page', async (limit) => {
    const entries = await happen(ALICE, paidCalls(ALICE, 9), 4);
    expect(await pages(limit)).toEqual(entries);
    expect(await pages(limit, 'payment.settled')).toEqual(
      entries.filter(({ type }) => type === 'payment.settled'),
    );
  });

  test('continue from any seq', async () => {
    const entries = await happen(ALICE, paidCalls(ALICE, 4), 5);
    for (let after = 0; after <= 12; after += 1) {
      const { items, next } = await valueOf(listEntries(db, ALICE, { after, limit: 3 }));
      expect(items).toEqual(entries.slice(after, after + 3));
      expect(next).toBe(after + 3 < 12 ? after + 3 : undefined);
    }
  });

  test('begin after archived chunks', async () => {
    const entries = await happen(ALICE, paidCalls(ALICE, 4), 3);
    await archive(entries[5] as Entry);
    expect(await pages(2)).toEqual(entries.slice(6));
    expect(await pages(100)).toEqual(entries.slice(6));
  });

  test('are read a bounded number at a time, however few match', async () => {
    const noise = () => ({ salt: Array.from(crypto.getRandomValues(new Uint8Array(9_000))) });
    const bodies = Array.from({ length: 60 }, (_, at) => ({
      ...accepted(at + 1),
      evidence: noise(),
    }));
    await happen(ALICE, [...bodies, settled(1)], 2);
    const first = await valueOf(listEntries(db, ALICE, { limit: 10, type: 'payment.settled' }));
    expect(first.items).toEqual([]);
    expect(first.next).toBeLessThan(60);
    expect(await pages(10, 'payment.settled')).toHaveLength(1);
    expect(await pages(1_000)).toHaveLength(61);
  });

  test.each([-1, 1.5, Number.NaN, 2 ** 60])('reject the place %d', async (after) => {
    expect(await listEntries(db, ALICE, { after, limit: 1 })).toEqual({
      ok: false,
      error: { kind: 'bad_cursor' },
    });
  });

  test('of an unknown account are none', async () => {
    expect(await valueOf(listEntries(db, ALICE, { limit: 1 }))).toEqual({ items: [] });
  });
});
