import { beforeEach, describe, expect, test } from 'vitest';
import { storeChunk } from '../../../src/audit/store.ts';
import { MAX_SEARCHED } from '../../../src/management/searched-rows.ts';
import { spendRanking, spendReport } from '../../../src/management/spend-query.ts';
import type { AccountId } from '../../../src/protocol/account-id.ts';
import type { Entry, EntryBody } from '../../../src/protocol/entry.ts';
import { countedDatabase } from '../../scale/counted-database.ts';
import { db, freshDatabase, messageOf } from './database.ts';
import {
  abandoned,
  accepted,
  accountOf,
  ALICE,
  committed,
  denied,
  failed,
  history,
  kept,
  late,
  MALLORY,
  resolved,
  settled,
  START,
  unpaid,
} from './history.ts';
import {} from './random-history.ts';

const store = async (entries: readonly Entry[]) => storeChunk(db, await messageOf(entries), START);

beforeEach(freshDatabase);

const ASSET = 'eip155:84532/erc20:0x036cbd53842c5426634e7929541ec2318f3dcf7e';
const PAYEE = `0x${'0f'.repeat(20)}`;
const DAY = 86_400;
const [OWNER, ROOT, OTHER] = [accountOf(1), accountOf(2), accountOf(3)];

const taken = (...above: readonly string[]): EntryBody => ({
  type: 'grant.taken',
  at: START,
  outcome: { above },
});

const whole = { from: '2026-01-01', to: '2028-12-31', limit: 100 };

/** Reads a report in a short form. */
const report = async (asked: Pick<Parameters<typeof spendReport>[1], 'scope' | 'by'> & object) => {
  const found = await spendReport(db, { ...whole, ...asked });
  if (!found.ok) return found.error.kind;
  return found.value.items.map(({ key, calls, charged, denied: refused, failed: fell }) =>
    [key, calls, charged, refused, fell].join(' '),
  );
};

describe('what counts as spend', () => {
  test.each([
    ['charges a call that succeeded', [accepted(1), committed(1), settled(1)], '1 20000 0 0'],
    ['charges nothing for a call that failed', [accepted(1), failed(1)], '1 0 0 1'],
    [
      'charges nothing for an abandoned call, whatever result arrives late',
      [accepted(1), abandoned(1), late(1)],
      '1 0 0 1',
    ],
    [
      'charges an abandoned call whose tool keeps its amount',
      [accepted(1), { ...abandoned(1), amounts: { charged: '20000' } }],
      '1 20000 0 1',
    ],
    ['charges nothing for kept credit', [accepted(1), kept(1, 'credit')], '1 0 0 1'],
    [
      'charges kept credit once the operator decides so',
      [accepted(1), kept(1, 'credit'), resolved(1, 'credit', 'charged')],
      '1 20000 0 1',
    ],
    [
      'charges nothing for kept credit that the operator returns',
      [accepted(1), kept(1, 'credit'), resolved(1, 'credit', 'released')],
      '1 0 0 1',
    ],
    [
      'charges a kept upfront payment once',
      [accepted(1), settled(1), kept(1, 'upfront'), resolved(1, 'upfront', 'charged'), late(1)],
      '1 20000 0 1',
    ],
    [
      'charges nothing for a kept upfront payment that the operator returns',
      [accepted(1), settled(1), kept(1, 'upfront'), late(1), resolved(1, 'upfront', 'released')],
      '1 0 0 1',
    ],
    [
      'charges nothing for an upfront payment that became credit',
      [accepted(1), settled(1), { ...failed(1), payment: { state: 'settled', paidBy: 'upfront' } }],
      '1 0 0 1',
    ],
    [
      'charges nothing for a top-up',
      [accepted(1), { ...committed(1), amounts: { charged: '20000', credited: '20000' } }],
      '1 0 0 0',
    ],
    [
      'counts an upfront payment that can never settle as a failed call',
      [
        accepted(1),
        {
          ...committed(1),
          type: 'payment.released',
          decision: 'released',
          amounts: { charged: '0' },
        },
      ],
      '1 0 0 1',
    ],
    [
      'charges a call whose payment became a debt',
      [accepted(1), committed(1), unpaid(1)],
      '1 20000 0 0',
    ],
    ['counts every denial that an entry stands for', [denied(1), denied(2)], '0 0 6 0'],
  ] as const)('%s', async (_, bodies, expected) => {
    await store(history(ALICE, bodies as readonly EntryBody[]));
    const sums = bodies[0].type === 'call.denied' ? '' : ASSET;
    const found = await spendReport(db, { ...whole, scope: ALICE, by: 'tool', asset: sums });
    expect(found).toMatchObject({ value: { items: [{ key: 'translate', asset: sums }] } });
    expect(await report({ scope: ALICE, by: 'tool' })).toEqual([`translate ${expected}`]);
  });

  test('counts a call on the day of the entry that ends it, with the facts of its first entry', async () => {
    const entries = history(ALICE, [accepted(1), committed(1, START + DAY)]);
    await store(entries.slice(0, 1));
    expect(await report({ scope: ALICE, by: 'day' })).toEqual([]);
    await store(entries.slice(1));
    expect(await report({ scope: ALICE, by: 'day' })).toEqual(['2027-01-16 1 20000 0 0']);
    expect(await report({ scope: ALICE, by: 'payee' })).toEqual([`${PAYEE} 1 20000 0 0`]);
  });

  test('counts a later decision of an operator on its own day', async () => {
    const entries = history(ALICE, [
      accepted(1),
      settled(1),
      kept(1, 'upfront'),
      accepted(2),
      kept(2, 'credit'),
      resolved(1, 'upfront', 'released', START + DAY),
      resolved(2, 'credit', 'charged', START + 2 * DAY),
    ]);
    for (const step of [7, 1, 3]) {
      await freshDatabase();
      for (let from = 0; from < 7; from += step) await store(entries.slice(from, from + step));
      expect(await report({ scope: ALICE, by: 'day' })).toEqual([
        '2027-01-15 2 20000 0 2',
        '2027-01-16 0 -20000 0 0',
        '2027-01-17 0 20000 0 0',
      ]);
      expect(await report({ scope: ALICE, by: 'payee' })).toEqual([`${PAYEE} 2 20000 0 2`]);
      expect(await report({ scope: '*', by: 'tool' })).toEqual(['translate 2 20000 0 2']);
    }
  });

  test('counts for the ancestors of that moment, in one chunk or in many', async () => {
    const entries = history(ALICE, [
      accepted(1),
      committed(1),
      taken(OWNER, ROOT),
      accepted(2),
      committed(2),
      denied(9),
      taken(OTHER),
      accepted(3),
      committed(3),
      // After a revocation, the former ancestor's totals still include the holder's calls.
      { type: 'grant.revoked', at: START },
      accepted(4),
      committed(4),
    ]);
    for (const step of [12, 1, 5]) {
      await freshDatabase();
      for (let from = 0; from < 12; from += step) await store(entries.slice(from, from + step));
      const sum = (scope: AccountId | '*') => report({ scope, by: 'day' });
      expect(await sum(ALICE)).toEqual(['2027-01-15 0 0 3 0', '2027-01-15 4 80000 0 0']);
      expect(await sum('*')).toEqual(await sum(ALICE));
      expect(await sum(OWNER)).toEqual(['2027-01-15 0 0 3 0', '2027-01-15 1 20000 0 0']);
      expect(await sum(ROOT)).toEqual(await sum(OWNER));
      expect(await sum(OTHER)).toEqual(['2027-01-15 2 40000 0 0']);
      const own = await report({ scope: OWNER, by: 'account' });
      expect(own).toEqual([`${ALICE} 0 0 3 0`, `${ALICE} 1 20000 0 0`]);
      expect(await report({ scope: OTHER, by: 'account' })).toEqual([`${ALICE} 2 40000 0 0`]);
    }
  });
});

test('denials of one chunk count for the ancestors at each of them', async () => {
  await store(history(ALICE, [denied(1), taken(OWNER), denied(2), denied(3), taken(OTHER)]));
  expect(await report({ scope: ALICE, by: 'day' })).toEqual(['2027-01-15 0 0 9 0']);
  expect(await report({ scope: OWNER, by: 'day' })).toEqual(['2027-01-15 0 0 6 0']);
  expect(await report({ scope: OTHER, by: 'day' })).toEqual([]);
});

describe('a report', () => {
  const fleet = Array.from({ length: 7 }, (_, at) => accountOf(10 + at));

  beforeEach(async () => {
    await store(history(OWNER, [accepted(1), committed(1)]));
    for (const [at, agent] of fleet.entries()) {
      const calls = Array.from({ length: at + 1 }, (_, call) => [
        { ...accepted(call), tool: `tool-${call % 3}` },
        { ...committed(call, START + call * DAY), tool: `tool-${call % 3}` },
      ]);
      await store(history(agent, [taken(OWNER), ...calls.flat()]));
    }
  });

  test.each(['tool', 'payee', 'day', 'account'] as const)(
    'by %s adds up to the same',
    async (by) => {
      for (const scope of [OWNER, '*'] as const) {
        const found = await spendReport(db, { ...whole, scope, by });
        const items = found.ok ? found.value.items : [];
        expect(items.reduce((sum, { charged }) => sum + charged, 0n)).toBe(29n * 20_000n);
        expect(items.reduce((sum, { calls }) => sum + calls, 0n)).toBe(29n);
      }
      const one = await spendReport(db, { ...whole, scope: fleet[2] as AccountId, by });
      expect(one.ok && one.value.items.reduce((sum, { calls }) => sum + calls, 0n)).toBe(3n);
    },
  );

  test.each(['tool', 'payee', 'day', 'account'] as const)('by %s is paged', async (by) => {
    const all = await spendReport(db, { ...whole, scope: OWNER, by });
    for (const limit of [1, 2, 3]) {
      const pages: unknown[] = [];
      let after: string | undefined;
      do {
        const found = await spendReport(db, { ...whole, scope: OWNER, by, limit, after });
        if (!found.ok) throw new Error(found.error.kind);
        expect(found.value.items.length).toBeLessThanOrEqual(limit);
        pages.push(...found.value.items);
        after = found.value.next;
      } while (after !== undefined);
      expect(pages).toEqual(all.ok && all.value.items);
    }
  });

  test('includes its first and its last day', async () => {
    const days = { from: '2027-01-16', to: '2027-01-17' };
    const found = await spendReport(db, { ...whole, ...days, scope: OWNER, by: 'day' });
    expect(found.ok && found.value.items.map(({ key, calls }) => [key, calls])).toEqual([
      ['2027-01-16', 6n],
      ['2027-01-17', 5n],
    ]);
  });

  test('is empty for an unknown account', async () => {
    expect(await report({ scope: accountOf(99), by: 'tool' })).toEqual([]);
    expect(await report({ scope: accountOf(99), by: 'account' })).toEqual([]);
  });

  test('rejects a cursor of another list', async () => {
    const found = await spendReport(db, { ...whole, scope: OWNER, by: 'day', limit: 1 });
    const after = found.ok ? found.value.next : undefined;
    expect(await report({ scope: OWNER, by: 'tool', after } as never)).toBe('bad_cursor');
  });

  test('refuses to add up too many rows', async () => {
    await db
      .prepare(
        `INSERT INTO spend WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 200000)
         SELECT ?, 'own', '2027-01-15', '', 'tool-' || i, '', '[]', '', 1, 1, 0, 0, 0, 0 FROM n`,
      )
      .bind(MALLORY)
      .run();
    expect(await report({ scope: MALLORY, by: 'tool' })).toBe('too_wide');
  });

  test('searches a bounded number of rows for a filter that matches nothing', async () => {
    await db
      .prepare(
        `INSERT INTO spend WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?2)
         SELECT ?1, 'own', '2027-01-15', 'asset', 'tool-' || i, '', '[]', '', 1, 1, 0, 0, 0, 0 FROM n`,
      )
      .bind(MALLORY, MAX_SEARCHED)
      .run();
    let rowsRead = 0;
    const counted = countedDatabase(db, (ran) => (rowsRead += ran.rowsRead));
    const range = { ...whole, scope: MALLORY, by: 'tool' } as const;
    const reads = {
      tool: () => spendReport(counted, { ...range, tool: 'none' }),
      payee: () => spendReport(counted, { ...range, payee: 'none' }),
      asset: () => spendReport(counted, { ...range, asset: 'none' }),
      'by account': () => spendReport(counted, { ...range, by: 'account', tool: 'none' }),
      ranking: () => spendRanking(counted, { ...range, tool: 'none' }, 'charged', 10),
      'of an account': () => spendReport(counted, { ...range, scope: OWNER, account: MALLORY }),
      'for an ancestor': () => spendReport(counted, { ...range, reader: OWNER, tool: 'none' }),
    };
    for (const [name, read] of Object.entries(reads)) {
      rowsRead = 0;
      const found = await read();
      expect({ name, items: found.ok && found.value.items }).toEqual({ name, items: [] });
      expect(rowsRead).toBeLessThanOrEqual(2 * MAX_SEARCHED + 10);
    }
    await db
      .prepare(
        `INSERT INTO spend VALUES (?, 'own', '2027-01-16', 'asset', 't', '', '[]', '', 1, 1, 0, 0, 0, 0)`,
      )
      .bind(MALLORY)
      .run();
    for (const [name, read] of Object.entries(reads)) {
      rowsRead = 0;
      expect({ name, found: await read() }).toEqual({
        name,
        found: { ok: false, error: { kind: 'too_wide' } },
      });
      expect(rowsRead).toBeLessThanOrEqual(MAX_SEARCHED + 10);
    }
  });
});

test('a report of denials reads no rows of calls', async () => {
  await db
    .prepare(
      `INSERT INTO spend WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
       SELECT ?1, 'own', '2027-01-15', iif(i % 100, 'asset', ''), 'tool-' || i, '', '[]', iif(i % 100, '', 'rate'), 1, 1, 1, 0, 0, 0 FROM n`,
    )
    .bind(MALLORY)
    .run();
  let rowsRead = 0;
  const counted = countedDatabase(db, (ran) => (rowsRead += ran.rowsRead));
  const range = { ...whole, scope: MALLORY, by: 'tool' } as const;
  const reads = {
    ranking: () => spendRanking(counted, range, 'denied', 100),
    'ranking of accounts': () => spendRanking(counted, { ...range, by: 'account' }, 'denied', 100),
    'by rule': () => spendReport(counted, { ...range, by: 'rule' }),
    rule: () => spendReport(counted, { ...range, rule: 'rate' }),
    'rule of an account': () => spendReport(counted, { ...range, by: 'account', rule: 'rate' }),
  };
  for (const [name, read] of Object.entries(reads)) {
    rowsRead = 0;
    const found = await read();
    const denials = found.ok ? found.value.items.reduce((sum, row) => sum + row.denied, 0n) : 0n;
    expect({ name, denials }).toEqual({ name, denials: 50n });
    expect({ name, isFew: rowsRead < 1_000 }).toEqual({ name, isFew: true });
  }
});

test('a ranking by failures has the most failed calls first, and no denials', async () => {
  const ofTool = (tool: string, ...bodies: readonly EntryBody[]): EntryBody[] =>
    bodies.map((body) => ({ ...body, tool }));
  await store(
    history(ALICE, [
      ...ofTool('fine', accepted(1), committed(1)),
      ...ofTool('once', accepted(2), failed(2)),
      ...ofTool('twice', accepted(3), failed(3), accepted(4), failed(4)),
      ...ofTool('closed', denied(5)),
    ]),
  );
  const ranked = await spendRanking(db, { ...whole, scope: '*', by: 'tool' }, 'failed', 10);
  if (!ranked.ok) throw new Error(ranked.error.kind);
  expect(ranked.value.items.map(({ key, failed: count }) => [key, count])).toEqual([
    ['twice', 2n],
    ['once', 1n],
    ['fine', 0n],
  ]);
});
