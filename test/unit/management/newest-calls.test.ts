import { beforeEach, describe, expect, test } from 'vitest';
import { callHandlers } from '../../../src/management/call.ts';
import { CALL_ROUTES } from '../../../src/management/call.route.ts';
import type { AdminRequest } from '../../../src/management/handler.ts';
import { newestCalls, type Shown } from '../../../src/management/newest-calls.ts';
import type { AccountId } from '../../../src/protocol/account-id.ts';
import type { EntryBody } from '../../../src/protocol/entry.ts';
import { countedDatabase } from '../../scale/counted-database.ts';
import { db, freshDatabase } from '../audit/database.ts';
import { accepted, accountOf, ALICE, MALLORY, START } from '../audit/history.ts';
import { ROOT, rolls, storeChild, storeCalls, storeRandomTree } from './random-tree.ts';
import { happen, named, valueOf } from './walk.ts';

beforeEach(freshDatabase);

describe('the newest calls of a tree', () => {
  const taken = (...above: readonly AccountId[]): EntryBody => ({
    ...{ type: 'grant.taken', at: START },
    outcome: { above: [...above] },
  });
  const [OWNER, MANAGER, CHILD] = [accountOf(0), accountOf(1), accountOf(2)];

  test('are those of the account and of its descendants, newest first, each with its label', async () => {
    await happen(OWNER, [accepted(2, START + 20)]);
    await happen(MANAGER, [taken(OWNER), accepted(3, START + 30)]);
    await happen(CHILD, [
      taken(MANAGER, OWNER),
      { type: 'account.label', at: START, outcome: { label: 'Crawler' } },
      accepted(1, START + 10),
      accepted(4, START + 40),
    ]);
    await happen(MALLORY, [accepted(5, START + 50)]);
    const found = await valueOf(newestCalls(db, OWNER, OWNER, { limit: 50 }));
    expect(named(found.items)).toEqual([4, 3, 2, 1]);
    expect(found).toMatchObject({ shows: 'all', read: 3 });
    expect(found.items[0]).toMatchObject({ account: CHILD, label: 'Crawler' });
    const cut = await valueOf(newestCalls(db, OWNER, OWNER, { limit: 3 }));
    expect([named(cut.items), cut.shows]).toEqual([[4, 3, 2], 'newest']);
    const below = await valueOf(newestCalls(db, MANAGER, MANAGER, { limit: 50 }));
    expect(named(below.items)).toEqual([4, 3, 1]);
    const none = await valueOf(newestCalls(db, ALICE, ALICE, { limit: 50 }));
    expect(none).toEqual({ items: [], shows: 'all', read: 0 });
  });

  test('of an account that changed its parent are in the tree of the new one only', async () => {
    await happen(MANAGER, [accepted(1, START + 10)]);
    await happen(CHILD, [
      ...[taken(MANAGER), accepted(2, START + 20)],
      ...[taken(OWNER), accepted(3, START + 30)],
    ]);
    const former = await valueOf(newestCalls(db, MANAGER, MANAGER, { limit: 50 }));
    expect(named(former.items)).toEqual([1]);
    const now = await valueOf(newestCalls(db, OWNER, OWNER, { limit: 50 }));
    expect(named(now.items)).toEqual([3, 2]);
    // The new parent may read the tree of the former parent. The account is not in that tree.
    await happen(ALICE, [taken(MANAGER, OWNER), accepted(4, START + 40)]);
    const read = await valueOf(newestCalls(db, MANAGER, OWNER, { limit: 50 }));
    expect(named(read.items)).toEqual([4, 1]);
  });

  test('leave out an account that came with its parent and whose ancestor the reader is not', async () => {
    await happen(MANAGER, [taken(ALICE), taken(OWNER), accepted(1, START + 10)]);
    await happen(CHILD, [taken(MANAGER, ALICE), accepted(2, START + 20)]);
    const shownTo = async (reader: AccountId) =>
      named((await valueOf(newestCalls(db, MANAGER, reader, { limit: 50 }))).items);
    expect(await shownTo(MANAGER)).toEqual([2, 1]);
    expect(await shownTo(OWNER)).toEqual([1]);
  });

  test('are answered to an operator whole, and to an ancestor as far as its own tree goes', async () => {
    await happen(MANAGER, [taken(ALICE), taken(OWNER), accepted(1, START + 10)]);
    await happen(CHILD, [taken(MANAGER, ALICE), accepted(2, START + 20)]);
    const answerTo = async (role: 'operator' | 'owner') => {
      const answer = await callHandlers['account.tree.calls']({
        context: { db, auditQueue: { metrics: async () => ({}) } },
        by: { account: OWNER, role },
        params: { account: MANAGER },
        query: { limit: 50 },
        now: START + 60,
      } as unknown as AdminRequest<'account.tree.calls'>);
      if (!answer.ok) throw new Error(answer.error.reason);
      return CALL_ROUTES['account.tree.calls'].answer.parse(await answer.value.json());
    };
    const whole = await answerTo('operator');
    expect([named(whole.items), whole.shows, whole.as_of]).toEqual([[2, 1], 'all', START + 40]);
    expect(named((await answerTo('owner')).items)).toEqual([1]);
  });

  test('of a day that D1 may have forgotten are not said to be all', async () => {
    const archive = async (day: string) =>
      db
        .prepare(
          `INSERT INTO archived_calls (day, part, name, sha256, bytes, calls, from_at, to_at, accounts, at, ended_to)
           VALUES (?, 1, '', '', 1, 1, 1, 1, x'00', 1, 1)`,
        )
        .bind(day)
        .run();
    await happen(OWNER, [accepted(1, START)]);
    await archive('2027-01-13');
    expect(await valueOf(newestCalls(db, OWNER, OWNER, { limit: 9 }))).toMatchObject({
      shows: 'newest',
    });
    await archive('2027-01-15');
    expect(await valueOf(newestCalls(db, OWNER, OWNER, { limit: 9 }))).toMatchObject({
      shows: 'some',
    });
  });
});

describe('compared with every call of a random tree, the list', () => {
  const words = new Set<Shown>();
  const idOf = ({ account, call }: { readonly account: string; readonly call: string }): string =>
    `${account} ${call}`;
  const seeds = Array.from({ length: 80 }, (_, seed) => seed);

  test.each(seeds)('has the calls that it claims to have, seed %i', async (seed) => {
    const roll = rolls(seed);
    const { calls, active } = await storeRandomTree(roll);
    const filters = [{}, { tool: `tool-${roll(4)}` }] as const;
    for (const filter of filters) {
      const tool = 'tool' in filter ? filter.tool : undefined;
      const wanted = calls.filter((call) => tool === undefined || call.tool === tool).map(idOf);
      for (const limit of [1, 50]) {
        const asked = newestCalls(db, ROOT, ROOT, { ...filter, limit });
        const { items, shows, read } = await valueOf(asked);
        const listed = items.map(idOf);
        words.add(shows);
        expect(listed.length).toBeLessThanOrEqual(limit);
        expect(wanted.filter((id) => listed.includes(id))).toEqual(listed);
        if (shows === 'all') expect(listed).toEqual(wanted);
        if (shows === 'newest') expect(listed).toEqual(wanted.slice(0, Math.max(1, listed.length)));
        if (read === active && tool === undefined) expect(shows).not.toBe('some');
      }
    }
  });

  test('claims to have all, the newest and some', () => {
    expect([...words].toSorted()).toEqual(['all', 'newest', 'some']);
  });
});

test('the list of a large tree has the newest calls, although fifty accounts with long logs are read', async () => {
  for (let at = 1; at <= 60; at += 1) {
    await storeCalls(accountOf(at), 1, { at: START + 600 * at, seq: 9_000 });
    await storeChild(accountOf(at));
  }
  const found = await valueOf(newestCalls(db, ROOT, ROOT, { limit: 8 }));
  expect(found).toMatchObject({ shows: 'newest', read: 50 });
  expect(found.items.map(({ account }) => account)).toEqual(
    [60, 59, 58, 57, 56, 55, 54, 53].map(accountOf),
  );
});

test('the list does not claim to be the newest if the clock of an account that was not read may be ahead', async () => {
  for (let at = 1; at <= 50; at += 1) {
    await storeCalls(accountOf(at), 1, { at: START + 1_000 + at, seq: 9_000 });
    await storeChild(accountOf(at));
  }
  const shows = async () => (await valueOf(newestCalls(db, ROOT, ROOT, { limit: 50 }))).shows;
  expect(await shows()).toBe('all');
  await storeCalls(accountOf(51), 1, { at: START + 1_200, stored: START + 950 });
  await storeChild(accountOf(51));
  expect(await shows()).toBe('some');
});

test('the list of a tree with more accounts than are looked at does not claim to be the newest', async () => {
  const withDescendants = async (count: number) => {
    await db
      .prepare(
        `INSERT OR IGNORE INTO kin (ancestor, account)
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?2) SELECT ?1, 'a' || i FROM n`,
      )
      .bind(ROOT, count)
      .run();
    return (await valueOf(newestCalls(db, ROOT, ROOT, { limit: 50 }))).shows;
  };
  await storeCalls(ROOT, 1);
  expect(await withDescendants(20_000)).toBe('all');
  expect(await withDescendants(20_001)).toBe('some');
});

test('the list reads no row of a stranger, and of each account a segment at most', async () => {
  const rowsRead = async (): Promise<number> => {
    let rows = 0;
    const counted = countedDatabase(db, ({ rowsRead: more }) => {
      rows += more;
    });
    await valueOf(newestCalls(counted, ROOT, ROOT, { limit: 50 }));
    return rows;
  };
  await storeCalls(ROOT, 100);
  const before = await rowsRead();
  await storeCalls(MALLORY, 20_000);
  expect(await rowsRead()).toBe(before);
  await storeCalls(accountOf(1), 20_000);
  await storeChild(accountOf(1));
  // The list reads and sorts one segment, of which it returns 51 calls.
  expect((await rowsRead()) - before).toBeLessThan(2 * 4_096 + 300);
});
