import { beforeEach, describe, expect, test } from 'vitest';
import { findCall, listCalls } from '../../../src/management/call.ts';
import type { EntryBody } from '../../../src/protocol/entry.ts';
import { db, freshDatabase } from '../audit/database.ts';
import {
  accepted,
  accountOf,
  ALICE,
  committed,
  failed,
  MALLORY,
  START,
  word,
} from '../audit/history.ts';
import { happen, named, valueOf, walk } from './walk.ts';

beforeEach(freshDatabase);

describe('calls', () => {
  const call = (seed: number, at: number, tool = 'translate'): EntryBody[] => [
    { ...accepted(seed, START + at), tool },
    { ...(seed % 3 === 0 ? failed(seed, START + at) : committed(seed, START + at)), tool },
  ];

  beforeEach(async () => {
    await happen(ALICE, [
      ...call(1, 10),
      ...call(3, 30),
      ...call(5, 50, 'lookup'),
      accepted(7, START + 70),
    ]);
    // Two calls in one second, of two accounts, keep their order.
    await happen(MALLORY, [...call(2, 30), ...call(4, 30, 'lookup'), ...call(6, 60)]);
  });

  test.each([1, 2, 3, 100])('are listed newest first, %i a page', async (limit) => {
    const all = await walk((page) => listCalls(db, page), limit);
    expect(named(all)).toEqual([7, 6, 5, 4, 2, 3, 1]);
  });

  test.each([
    [{ account: ALICE }, [7, 5, 3, 1]],
    [{ tool: 'lookup' }, [5, 4]],
    [{ state: 'held' }, [7]],
    [{ state: 'released' }, [6, 3]],
    [{ account: MALLORY, tool: 'translate' }, [6, 2]],
    [{ from: START + 30, to: START + 60 }, [5, 4, 2, 3]],
    [{ account: ALICE, from: START + 30, to: START + 60 }, [5, 3]],
    [{ account: ALICE, tool: 'lookup', state: 'committed', from: START, to: START + 51 }, [5]],
    [{ account: accountOf(1) }, []],
    [{ tool: "' OR 1 = 1 --" }, []],
  ] as const)('can be filtered by %j', async (filter, expected) => {
    for (const limit of [1, 100]) {
      const found = await walk((page) => listCalls(db, { ...filter, ...page }), limit);
      expect(named(found)).toEqual(expected);
    }
  });

  test('have their outcome', async () => {
    expect(await valueOf(findCall(db, MALLORY, word(6)))).toMatchObject({
      account: MALLORY,
      state: 'released',
      payee: `0x${'0f'.repeat(20)}`,
      price: 20_000n,
      charged: 0n,
      success: false,
      acceptedAt: START + 60,
      payment: { state: 'released', amount: 20_000n, credited: 0n },
    });
    const held = await valueOf(findCall(db, ALICE, word(7)));
    expect(held).toMatchObject({ state: 'held' });
    expect(held).not.toHaveProperty('payment');
    expect(held).not.toHaveProperty('charged');
    expect(await valueOf(findCall(db, ALICE, word(2)))).toBeUndefined();
  });

  test('start at the end of the time range if the cursor is after it', async () => {
    const { next } = await valueOf(listCalls(db, { limit: 1 }));
    const found = await valueOf(listCalls(db, { limit: 9, to: START + 30, after: next }));
    expect(named(found.items)).toEqual([1]);
    const later = await valueOf(listCalls(db, { limit: 9, to: START + 200, after: next }));
    expect(named(later.items)).toEqual([6, 5, 4, 2, 3, 1]);
  });

  test('of one account reject a cursor of all accounts', async () => {
    const { next } = await valueOf(listCalls(db, { account: ALICE, limit: 1 }));
    expect(await listCalls(db, { limit: 1, after: next })).toEqual({
      ok: false,
      error: { kind: 'bad_cursor' },
    });
  });

  test('that do not match end a page early, with `next`', async () => {
    await db
      .prepare(
        `INSERT INTO calls (account, call, tool, state, accepted_at, first_seq, segment, seq)
         WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 12499)
         SELECT ?, 'c' || i, iif(i = 7, 'rare', 'common'), 'committed', ? + i, i, i / 4096, i FROM n`,
      )
      .bind(accountOf(1), START + 1_000)
      .run();
    const pages: number[] = [];
    let after: string | undefined;
    do {
      const { items, next } = await valueOf(listCalls(db, { tool: 'rare', limit: 10, after }));
      pages.push(items.length);
      after = next;
    } while (after !== undefined);
    expect(pages).toEqual([0, 0, 1]);
  });
});
