import { beforeAll, describe, expect, test } from 'vitest';
import { findCall } from '../../../src/management/call.ts';
import { listCalls } from '../../../src/management/call-list.ts';
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

describe('calls', () => {
  const call = (seed: number, at: number, tool = 'translate'): EntryBody[] => [
    { ...accepted(seed, START + at), tool },
    { ...(seed % 3 === 0 ? failed(seed, START + at) : committed(seed, START + at)), tool },
  ];

  beforeAll(async () => {
    await freshDatabase();
    await happen(ALICE, [
      ...call(1, 10),
      ...call(3, 30),
      ...call(5, 50, 'lookup'),
      accepted(7, START + 70),
    ]);
    // Two calls of two accounts in one second must keep their order.
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

describe('calls by the time of their end', () => {
  const DAY = 86_400;
  const refused: EntryBody = {
    ...accepted(9, START + 20),
    type: 'call.refused',
    decision: 'refused',
    amounts: { price: '20000', charged: '0' },
  };
  const within = { endedFrom: START + DAY, endedTo: START + 2 * DAY };

  beforeAll(async () => {
    await freshDatabase();
    await happen(ALICE, [
      ...[accepted(1, START), committed(1, START + 9)],
      ...[accepted(2, START + DAY - 5), committed(2, START + DAY)],
      ...[accepted(3, START), committed(3, START + DAY + 1)],
      accepted(4, START + DAY),
      { ...refused, at: START + DAY + 5 },
      ...[accepted(5, START + 2 * DAY - 9), committed(5, START + 2 * DAY)],
      ...[accepted(6, START + DAY + 9), { ...failed(6, START + DAY + 10) }],
    ]);
    await happen(MALLORY, [accepted(7, START + 1), committed(7, START + DAY + 2)]);
  });

  test.each([1, 2, 3, 100])(
    'include calls that ended more than a day later, and none that never ran, %i a page',
    async (limit) => {
      const all = await walk((page) => listCalls(db, { ...within, ...page }), limit);
      expect(named(all)).toEqual([6, 2, 7, 3]);
      const own = await walk(
        (page) => listCalls(db, { ...within, account: ALICE, ...page }),
        limit,
      );
      expect(named(own)).toEqual([6, 2, 3]);
    },
  );

  test('can be filtered by payee, asset and what paid', async () => {
    const filtered = (filter: object) =>
      walk((page) => listCalls(db, { ...within, ...filter, ...page }), 10).then(named);
    expect(await filtered({ state: 'released' })).toEqual([6]);
    expect(await filtered({ payee: `0x${'0f'.repeat(20)}`, paidBy: 'deferred' })).toHaveLength(4);
    expect(await filtered({ paidBy: 'credit' })).toEqual([]);
    expect(await filtered({ asset: 'iso4217:USD' })).toEqual([]);
  });

  test('that ended late are found among those of the account alone: no cursor names a call of another one', async () => {
    await db
      .prepare(
        `INSERT INTO calls (account, call, tool, state, accepted_at, ended_at, first_seq, segment, seq)
         WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 5999)
         SELECT ?, 'secret' || i, 'lookup', 'committed', ?, ? + i, i, i / 4096, i + 1 FROM n`,
      )
      .bind(MALLORY, START, START + DAY + 10)
      .run();
    const found = await valueOf(listCalls(db, { ...within, account: ALICE, limit: 100 }));
    expect(found.next).toBeUndefined();
    expect(named(found.items)).toEqual([6, 2, 3]);
  });
});
