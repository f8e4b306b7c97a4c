import { beforeEach, describe, expect, test } from 'vitest';
import { listEntries } from '../../../src/management/entry-list.ts';
import type { Entry } from '../../../src/protocol/entry.ts';
import { db, freshDatabase } from '../audit/database.ts';
import { seqBefore } from '../../../src/management/seq-before.ts';
import { openChains } from '../audit/archive/archive-world.ts';
import { accepted, ALICE, denied, paidCalls, settled, START } from '../audit/history.ts';
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

describe('entries of a time', () => {
  const HOUR = 3_600;

  /** A call each hour, and a denial that is logged at the time of the next call. */
  const hours = async (count: number) => {
    const chains = openChains();
    for (let hour = 0; hour < count; hour += 1) {
      const at = START + hour * HOUR;
      await chains.store(ALICE, [accepted(2 * hour, at)], at + 9);
      await chains.store(ALICE, [denied(2 * hour + 1, at + HOUR - 1)], at + HOUR + 20);
    }
    return chains.written.get(ALICE) ?? [];
  };

  const listed = async (from: number | undefined, to: number | undefined) => {
    const all: Entry[] = [];
    let after: number | undefined;
    do {
      const { items, next } = await valueOf(listEntries(db, ALICE, { after, limit: 3, from, to }));
      all.push(...items);
      after = next;
    } while (after !== undefined);
    return all;
  };

  test('are those from its first second to the one before its end', async () => {
    const entries = await hours(10);
    for (const from of [undefined, 0, START, START + HOUR, START + 7 * HOUR - 1, START + 90 * HOUR])
      for (const to of [undefined, 1, START + HOUR, START + 9 * HOUR - 1, START + 99 * HOUR])
        expect(await listed(from, to)).toEqual(
          entries.filter(({ at }) => at >= (from ?? 0) && at < (to ?? Infinity)),
        );
  });

  test('are found without reading the log before them', async () => {
    const entries = await hours(16);
    for (const hour of [0, 1, 8, 15, 20]) {
      const time = START + hour * HOUR;
      const start = await seqBefore(db, ALICE, time);
      expect(entries.slice(0, start).every(({ at }) => at < time)).toBe(true);
      expect(start).toBeGreaterThanOrEqual(Math.min(2 * hour, entries.length) - 2);
    }
  });

  test('include a denial that its account entered hours later', async () => {
    const chains = openChains();
    const noise = () => ({ salt: Array.from(crypto.getRandomValues(new Uint8Array(9_000))) });
    const many = Array.from({ length: 20 }, (_, nth) => START + 12 * HOUR + nth);
    await chains.store(ALICE, [accepted(1)], START + 1);
    for (const at of many)
      await chains.store(ALICE, [{ ...accepted(at, at), evidence: noise() }], at + 1);
    const [denial] = await chains.store(ALICE, [denied(2, START + 9)], START + 13 * HOUR);
    expect((await listed(START + 5, START + HOUR)).map(({ seq }) => seq)).toEqual([denial?.seq]);
  });

  test('are filtered by tool and rule', async () => {
    const chains = openChains();
    const written = await chains.store(
      ALICE,
      [denied(1), { ...denied(2), rule: 'rate' }, { ...denied(3), tool: 'other' }],
      START + 20,
    );
    const [first, second, third] = written;
    const only = async (filter: object) =>
      (await valueOf(listEntries(db, ALICE, { limit: 9, ...filter }))).items;
    expect(await only({ rule: first?.rule })).toEqual([first, third]);
    expect(await only({ rule: 'rate' })).toEqual([second]);
    expect(await only({ tool: 'other' })).toEqual([third]);
    expect(await only({ tool: 'other', rule: 'rate' })).toEqual([]);
  });
});
