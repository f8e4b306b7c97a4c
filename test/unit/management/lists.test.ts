import { beforeEach, describe, expect, test } from 'vitest';
import { type AccountItem, listAccounts } from '../../../src/management/account.ts';
import { findCall, listCalls } from '../../../src/management/call.ts';
import { queueDepths } from '../../../src/management/queue.ts';
import { listEntries } from '../../../src/management/entry-list.ts';
import {
  findDeadLetter,
  listDeadLetters,
  markRedriven,
} from '../../../src/management/dead-letter.ts';
import { listSettlements } from '../../../src/management/settlement.ts';
import { settlementStory } from '../../../src/management/settlement-story.ts';
import type { Entry, EntryBody } from '../../../src/protocol/entry.ts';
import { entryHash } from '../../../src/audit/entry.ts';
import { recordDeadLetters } from '../../../src/settlement/dead-letter.ts';
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
  paidCalls,
  resolved,
  settled,
  START,
  unpaid,
  word,
} from '../audit/history.ts';
import { happen, valueOf, walk } from './walk.ts';

beforeEach(freshDatabase);

const named = (items: readonly { readonly call: string }[]): number[] =>
  items.map(({ call }) => Number(call));

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
    const all = await walk((asked) => listCalls(db, asked), limit);
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
      const found = await walk((asked) => listCalls(db, { ...filter, ...asked }), limit);
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
        `INSERT INTO calls (account, call, tool, state, accepted_at, seq)
         WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 12499)
         SELECT ?, 'c' || i, iif(i = 7, 'rare', 'common'), 'committed', ? + i, i FROM n`,
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

describe('settlements', () => {
  beforeEach(async () => {
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
    // In the order of their ends, not of their calls.
    [{ state: 'released' }, [3, 8]],
    [{ state: 'open', account: ALICE }, [6, 4]],
    [{ state: 'released', account: ALICE }, [3]],
    [{ account: MALLORY }, [8, 7]],
  ] as const)('can be filtered by %j', async (filter, expected) => {
    for (const limit of [1, 2, 100]) {
      const found = await walk((asked) => listSettlements(db, { ...filter, ...asked }), limit);
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

  beforeEach(async () => {
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
    // A kept amount has no other state; a resolved one has the state of its payment, if there is one.
    [{ state: 'settled' }, [5, 4]],
    [{ state: 'open' }, []],
    [{}, [7, 5, 4, 2, 1]],
  ] as const)('are listed by %j', async (filter, expected) => {
    for (const limit of [1, 2, 100]) {
      const found = await walk((asked) => listSettlements(db, { ...filter, ...asked }), limit);
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
      call: { state: 'abandoned', kept: 'charged', charged: 20_000n },
      open: false,
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

describe('the story of a call', () => {
  test('has all entries of the call, from any number of chunks', async () => {
    const others = Array.from({ length: 40 }, (_, at) => [accepted(100 + at), committed(100 + at)]);
    const bodies = [
      accepted(1),
      ...others.flat(),
      committed(1),
      ...others.flat().map(denyLike),
      settled(1),
    ];
    const entries = await happen(ALICE, bodies, 7);
    const story = await valueOf(settlementStory(db, ALICE, word(1)));
    expect(story).toMatchObject({
      call: { state: 'committed', payment: { state: 'settled' } },
      open: false,
      complete: true,
    });
    expect(story?.entries).toEqual(entries.filter(({ call }) => call === word(1)));
  });

  const denyLike = (body: EntryBody): EntryBody => ({ ...denied(3), at: body.at });

  test('of an open payment has the commands about it', async () => {
    const redriven: EntryBody = { type: 'settlement.redriven', at: START, call: word(1) };
    await happen(ALICE, [accepted(1), committed(1), denied(2), redriven]);
    const story = await valueOf(settlementStory(db, ALICE, word(1)));
    expect(story).toMatchObject({ open: true, complete: true });
    expect(story?.entries.map(({ type }) => type)).toEqual([
      'call.accepted',
      'call.finished',
      'settlement.redriven',
    ]);
  });

  test('is marked incomplete if its beginning is archived', async () => {
    const entries = await happen(ALICE, [accepted(1), committed(1), settled(1)], 2);
    await archive(entries[1] as Entry);
    const story = await valueOf(settlementStory(db, ALICE, word(1)));
    expect(story?.complete).toBe(false);
    expect(story?.entries).toEqual(entries.slice(2));
  });

  test('of an unknown call is undefined', async () => {
    expect(await valueOf(settlementStory(db, ALICE, word(1)))).toBeUndefined();
  });
});

/** Archives and deletes every chunk up to an entry, like an operator after an export. */
const archive = (last: Entry) =>
  db.batch([
    db
      .prepare('INSERT INTO archived VALUES (?, ?, ?, ?)')
      .bind(last.account, last.seq, entryHash(last), START),
    db
      .prepare('DELETE FROM chunks WHERE account = ? AND last_seq <= ?')
      .bind(last.account, last.seq),
  ]);

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

describe('accounts', () => {
  const [root, owner, first, second] = [1, 2, 3, 4].map(accountOf) as [
    ReturnType<typeof accountOf>,
    ReturnType<typeof accountOf>,
    ReturnType<typeof accountOf>,
    ReturnType<typeof accountOf>,
  ];
  const taken = (...above: string[]): EntryBody => ({
    type: 'grant.taken',
    at: START,
    outcome: { above },
  });
  const status = (decision: string, side: string): EntryBody => ({
    type: 'account.status',
    at: START,
    decision,
    outcome: { side },
  });
  const label = (text: string | null): EntryBody => ({
    type: 'account.label',
    at: START,
    outcome: { label: text },
  });

  beforeEach(async () => {
    await happen(root, [label('Head office')]);
    await happen(owner, [taken(root), status('paused', 'owner')]);
    await happen(first, [taken(owner, root), label('Crawler'), status('frozen', 'operator')], 1);
    await happen(second, [taken(owner, root), label('crawler two'), label('Reader')]);
  });

  const names = (items: readonly AccountItem[]) =>
    items.map(({ account }) => [root, owner, first, second].indexOf(account));

  test.each([
    [{}, [0, 1, 2, 3]],
    [{ parent: owner }, [2, 3]],
    [{ parent: root }, [1]],
    [{ status: 'frozen' }, [2]],
    [{ status: 'paused' }, [1]],
    [{ status: 'active' }, [0, 3]],
    [{ label: 'CRAWL' }, [2]],
    [{ label: '%' }, []],
    [{ parent: owner, status: 'active', label: 'read' }, [3]],
  ] as const)('can be filtered by %j', async (filter, expected) => {
    for (const limit of [1, 2, 100]) {
      const found = await walk((asked) => listAccounts(db, { ...filter, ...asked }), limit);
      expect(names(found)).toEqual(expected);
    }
  });

  test('are what their entries describe', async () => {
    const found = await valueOf(listAccounts(db, { parent: owner, limit: 1 }));
    expect(found.items).toEqual([
      {
        ...{ account: first, parent: owner, label: 'Crawler', firstAt: START },
        ...{ status: 'frozen', operatorStatus: 'frozen' },
      },
    ]);
  });

  test('that move are children of their new parent only', async () => {
    const third = accountOf(5);
    await happen(third, [taken(owner, root), label('Mine'), taken(second)]);
    const childrenOf = async (parent: typeof root) =>
      (await valueOf(listAccounts(db, { parent, limit: 10 }))).items.map(({ account }) => account);
    expect(await childrenOf(owner)).toEqual([first, second]);
    expect(await childrenOf(second)).toEqual([third]);
  });
});

describe('dead letters', () => {
  const letter = (id: string, at: number, queue = 'countersign-audit') => ({
    id,
    queue,
    account: ALICE,
    call: '',
    body: `{"id":"${id}"}`,
    at,
    reason: 'retries exhausted',
  });

  beforeEach(() =>
    recordDeadLetters(db, [
      letter('a', 3),
      letter('b', 1),
      letter('c', 2, 'other'),
      letter('d', 3),
    ]),
  );

  test.each([1, 2, 100])('are listed newest first, %i a page', async (limit) => {
    const all = await walk((asked) => listDeadLetters(db, asked), limit);
    expect(all.map(({ id }) => id)).toEqual(['d', 'a', 'c', 'b']);
  });

  test('wait until they are sent again, and once more when they come back', async () => {
    expect(await valueOf(queueDepths(db))).toEqual({
      openPayments: 0,
      deadLetters: 4,
      oldestDeadLetter: 1,
    });
    await valueOf(markRedriven(db, 'b', 50));
    expect(await valueOf(findDeadLetter(db, 'b'))).toEqual({
      id: 'b',
      queue: 'countersign-audit',
      account: ALICE,
      at: 1,
      reason: 'retries exhausted',
      redrivenAt: 50,
      body: '{"id":"b"}',
    });
    expect(await valueOf(queueDepths(db))).toMatchObject({ deadLetters: 3, oldestDeadLetter: 2 });
    await recordDeadLetters(db, [letter('b', 60), letter('a', 70)]);
    expect(await valueOf(findDeadLetter(db, 'b'))).toMatchObject({ at: 60 });
    expect(await valueOf(findDeadLetter(db, 'b'))).not.toHaveProperty('redrivenAt');
    expect(await valueOf(findDeadLetter(db, 'a'))).toMatchObject({ at: 3 });
    expect(await valueOf(findDeadLetter(db, 'z'))).toBeUndefined();
  });
});

test('a database that does not answer is a fault, not an exception', async () => {
  const away = {
    prepare: () => {
      throw new Error('D1 is overloaded');
    },
  } as unknown as D1Database;
  const unavailable = {
    ok: false,
    error: { kind: 'unavailable', cause: 'Error: D1 is overloaded' },
  };
  expect(await listCalls(away, { limit: 1 })).toEqual(unavailable);
  expect(await queueDepths(away)).toEqual(unavailable);
  expect(await settlementStory(away, ALICE, word(1))).toEqual(unavailable);
});
