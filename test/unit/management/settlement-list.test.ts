import { beforeAll, describe, expect, test } from 'vitest';
import { findCall } from '../../../src/management/call.ts';
import { queueDepths } from '../../../src/management/queue.ts';
import { listSettlements } from '../../../src/management/settlement-list.ts';
import { settlementStory } from '../../../src/management/settlement-story.ts';
import type { EntryBody } from '../../../src/protocol/entry.ts';
import { db, freshDatabase } from '../audit/database.ts';
import {
  abandoned,
  accepted,
  accountOf,
  ALICE,
  committed,
  denied,
  failed,
  kept,
  late,
  MALLORY,
  resolved,
  settled,
  START,
  unpaid,
  word,
} from '../audit/history.ts';
import { happen, named, valueOf, walk } from './walk.ts';

describe('settlements', () => {
  beforeAll(async () => {
    await freshDatabase();
    await happen(
      ALICE,
      [
        [accepted(1, START + 1), committed(1), settled(1, START + 9)],
        [accepted(2, START + 2), committed(2), unpaid(2, START + 400)],
        [accepted(3, START + 3), failed(3, START + 30)],
        [accepted(4, START + 4), committed(4)],
        [accepted(5, START + 5)],
        [
          { ...accepted(6, START + 6), decision: 'settle', payment: { paidBy: 'upfront' } },
          denied(9),
        ],
      ].flat(),
      1,
    );
    await happen(MALLORY, [
      accepted(7, START + 7),
      committed(7),
      accepted(8, START + 8),
      failed(8, START + 20),
    ]);
  });

  test.each([
    [{}, [8, 7, 6, 4, 3, 2, 1]],
    [{ state: 'open' }, [7, 6, 4]],
    [{ state: 'settled' }, [1]],
    [{ state: 'failed' }, [2]],
    // Items come in the order in which the payments ended, not in the order of the calls.
    [{ state: 'released' }, [3, 8]],
    [{ state: 'open', account: ALICE }, [6, 4]],
    [{ state: 'released', account: ALICE }, [3]],
    [{ account: MALLORY }, [8, 7]],
    [{ from: START + 3, to: START + 7 }, [6, 4, 3]],
    [{ state: 'open', from: START + 6 }, [7, 6]],
    // With the state `released`, `from` and `to` select when payments ended.
    [{ state: 'released', from: START + 21, to: START + 31 }, [3]],
    [{ account: ALICE, from: START + 2, to: START + 4 }, [3, 2]],
    [{ state: 'open', account: ALICE, from: START + 5 }, [6]],
    // `endedFrom` and `endedTo` select when payments ended.
    [{ state: 'released', endedFrom: START + 20, endedTo: START + 30 }, [8]],
    [{ state: 'released', endedFrom: START + 20, account: ALICE }, [3]],
    [{ state: 'released', endedTo: START + 30, account: ALICE }, []],
    [{ state: 'failed', endedFrom: START + 400, endedTo: START + 401 }, [2]],
    [{ state: 'failed', endedFrom: START + 401 }, []],
    [{ state: 'failed', endedFrom: START, tool: 'none' }, []],
    [{ state: 'settled', endedFrom: START + 9, endedTo: START + 10 }, [1]],
  ] as const)('can be filtered by %j', async (filter, expected) => {
    for (const limit of [1, 2, 100]) {
      const found = await walk((page) => listSettlements(db, { ...filter, ...page }), limit);
      expect(named(found)).toEqual(expected);
    }
  });

  test('have their state', async () => {
    const { items } = await valueOf(listSettlements(db, { limit: 100 }));
    expect(items.map(({ call, state }) => [Number(call), state])).toEqual([
      [8, 'released'],
      [7, 'open'],
      [6, 'open'],
      [4, 'open'],
      [3, 'released'],
      [2, 'failed'],
      [1, 'settled'],
    ]);
    expect(items.at(-1)).toMatchObject({
      account: ALICE,
      amount: 20_000n,
      payment: { state: 'settled', block: 123, transaction: word(2001), at: START + 9 },
    });
    expect(items[1]).not.toHaveProperty('payment');
  });

  test('are counted while open', async () => {
    expect(await valueOf(queueDepths(db))).toEqual({
      openPayments: 3,
      oldestOpen: START + 4,
      deadLetters: 0,
    });
  });
});

describe('amounts kept by silent tools', () => {
  const credit = (call: number): EntryBody => ({
    ...{ ...accepted(call, START + call), payment: { paidBy: 'credit' } },
  });
  const upfront = (call: number): EntryBody[] => [
    { ...accepted(call, START + call), payment: { paidBy: 'upfront' } },
    settled(call),
  ];

  beforeAll(async () => {
    await freshDatabase();
    await happen(
      ALICE,
      [
        [credit(1), kept(1, 'credit')],
        [...upfront(2), kept(2, 'upfront')],
        [credit(3), kept(3, 'credit'), resolved(3, 'credit', 'charged')],
        [...upfront(4), kept(4, 'upfront'), resolved(4, 'upfront', 'released')],
        [accepted(5, START + 5), committed(5), settled(5)],
        [credit(6), { ...abandoned(6), payment: { state: 'none', paidBy: 'credit' } }],
      ].flat(),
      2,
    );
    await happen(MALLORY, [credit(7), kept(7, 'credit')]);
  });

  test.each([
    [{ state: 'kept' }, [7, 2, 1]],
    [{ state: 'kept', account: ALICE }, [2, 1]],
    [{ state: 'kept', account: accountOf(9) }, []],
    // An amount kept without an answer has no other state. A resolved one has its payment's state, if there is a payment.
    [{ state: 'settled' }, [5, 4]],
    [{ state: 'open' }, []],
    [{}, [7, 5, 4, 2, 1]],
  ] as const)('are listed by %j', async (filter, expected) => {
    for (const limit of [1, 2, 100]) {
      const found = await walk((page) => listSettlements(db, { ...filter, ...page }), limit);
      expect(named(found)).toEqual(expected);
    }
    const { items } = await valueOf(listSettlements(db, { limit: 9 }));
    expect(items.map(({ state, amount }) => [state, amount])).toEqual(
      ['kept', 'settled', 'settled', 'kept', 'kept'].map((state) => [state, 20_000n]),
    );
  });

  test('have a story with the late answer and the command', async () => {
    await happen(
      accountOf(2),
      [credit(1), kept(1, 'credit'), late(1), denied(2), resolved(1, 'credit', 'charged')],
      2,
    );
    const story = await valueOf(settlementStory(db, accountOf(2), word(1)));
    expect(story).toMatchObject({
      call: { state: 'abandoned', kept: 'charged', charged: 20_000n, isOpen: false },
      complete: true,
    });
    expect(story?.entries.map(({ type }) => type)).toEqual([
      ...['call.accepted', 'call.abandoned', 'call.late', 'call.resolved'],
    ]);
    expect(await valueOf(findCall(db, ALICE, word(4)))).toMatchObject({
      kept: 'released',
      charged: 0n,
      payment: { state: 'settled', credited: 20_000n },
    });
    expect(await valueOf(findCall(db, ALICE, word(6)))).not.toHaveProperty('kept');
  });

  test('are found by an index of their own', async () => {
    const count = (where: string) =>
      db.prepare(`SELECT count(*) AS n FROM calls INDEXED BY calls_kept WHERE ${where}`).first('n');
    expect(await count("kept = 'held' AND accepted_at >= 0")).toBe(3);
    const { results } = await db
      .prepare(
        `EXPLAIN QUERY PLAN SELECT call FROM calls INDEXED BY calls_kept WHERE kept = 'held' AND accepted_at >= 0
         ORDER BY accepted_at DESC, account DESC, call DESC`,
      )
      .all<{ detail: string }>();
    expect(results.map(({ detail }) => detail).join()).not.toMatch(/SCAN|TEMP B-TREE/);
  });
});
