import { beforeAll, describe, expect, inject, test } from 'vitest';
import { spendReport } from '../../src/management/spend-query.ts';
import { storeChunk } from '../../src/audit/store.ts';
import type { Entry } from '../../src/protocol/entry.ts';
import { db, freshDatabase, messageOf } from '../unit/audit/database.ts';
import {
  accepted,
  ALICE,
  committed,
  denied,
  history,
  paidCalls,
  START,
  unpaid,
  word,
} from '../unit/audit/history.ts';
import { DAYS, fill, nth } from './fill.ts';
import { queries } from './queries.ts';
import { type Measured, type Size, SMALL } from './size.ts';
import { planOf, slowSteps, watched } from './watch.ts';

/** Options of `npm run scale`. Without them, the data is small and the test ignores times, because other tests share the machine. */
const ordered = inject('options') as string | undefined;
const size: Size = ordered === undefined ? SMALL : (JSON.parse(ordered) as Size);

/** Time limit of each list, filter and report. */
const MAX_MS = 300;
const RUNS = 5;
/** The most rows that a list may read, whatever the size of the tables: its scan is bounded. */
const MAX_ROWS = 40_000;
/** The most rows that the newest calls of a tree may read: the last chunk of each of 10,000 accounts, and the calls of at most 500. */
const MAX_OF_TREE = 160_000;
/** The most rows that a total may read: a report adds up at most 200,000, read once and sorted once, and an overview has four reports. */
const MAX_SUMMED = 1_600_000;
const REAL_CALLS = 2_000;

const store = async (entries: readonly Entry[], database = db) =>
  storeChunk(database, await messageOf(entries), START);

beforeAll(async () => {
  await freshDatabase();
  await fill(
    {
      run: (sql, ...values) =>
        db
          .prepare(sql)
          .bind(...values)
          .run(),
      all: async <Row>(sql: string) => (await db.prepare(sql).all<Row>()).results,
    },
    { ...size, root: nth(0), until: START, assets: ['asset-0', 'asset-1'], real: 0 },
    console.log,
  );
  const entries = paidCalls(ALICE, REAL_CALLS);
  for (let from = 0; from < entries.length; from += 300)
    await store(entries.slice(from, from + 300));
}, 1_800_000);

const days = {
  from: new Date((START - DAYS * 86_400) * 1000).toISOString().slice(0, 10),
  to: new Date(START * 1000).toISOString().slice(0, 10),
};

describe(`${size.calls} calls of ${size.accounts} accounts`, () => {
  const all = queries(ALICE, word(1_000));

  test.for(all)('%s reads a bounded number of rows', async ([name, run]) => {
    const { db: recording, seen } = watched(db);
    expect(await run(recording)).toMatchObject({ ok: true });
    expect(seen.length).toBeGreaterThan(0);
    let read = 0;
    for (const each of seen) {
      const { sql, values } = each;
      const plan = await planOf(db, each);
      expect({ sql, slow: slowSteps(plan) }).toEqual({ sql, slow: [] });
      // Sorting a whole list would read every row for the first page. Sorting by the last terms reads one segment of an account's log, and
      // a tree's list sorts the few calls that it has read of each account.
      if (!/spend|UNION|places/.test(sql)) {
        expect(plan.filter((step) => step.includes('TEMP B-TREE FOR ORDER BY'))).toEqual([]);
      }
      const { meta } = await db
        .prepare(sql)
        .bind(...values)
        .all();
      read += meta.rows_read;
    }
    if (name.startsWith('newest')) console.log('ROWS', name, read);
    const isLarge = ordered !== undefined && /^(?:spend|overview)/.test(name);
    const isOfTree = ordered !== undefined && name.startsWith('newest');
    expect(read).toBeLessThanOrEqual(isLarge ? MAX_SUMMED : isOfTree ? MAX_OF_TREE : MAX_ROWS);
  });

  test.runIf(ordered !== undefined)(
    `each answers within ${MAX_MS} ms`,
    async ({ task }) => {
      const measured: Measured[] = [];
      for (const [query, run] of all) {
        const took: number[] = [];
        let items = 1;
        for (let round = 0; round < RUNS; round += 1) {
          const began = performance.now();
          const found = await run(db);
          took.push(performance.now() - began);
          if (found.ok && found.value !== undefined && 'items' in found.value)
            items = found.value.items.length;
        }
        took.sort((a, b) => a - b);
        measured.push({ query, items, medianMs: took[2] ?? 0, mostMs: took.at(-1) ?? 0 });
      }
      task.meta.measured = measured;
      expect(measured.filter(({ medianMs }) => medianMs > MAX_MS)).toEqual([]);
    },
    600_000,
  );

  test('stores a chunk without a scan of a table', async () => {
    const entries = history(nth(1_000_000), [accepted(1), committed(1), denied(2), unpaid(1)]);
    const { db: recording, seen } = watched(db);
    expect(await store(entries.slice(0, 2), recording)).toMatchObject({ ok: true });
    expect(await store(entries.slice(1), recording)).toMatchObject({ ok: true });
    expect(seen.length).toBeGreaterThan(8);
    for (const each of seen) {
      const plan = await planOf(db, each);
      // Without the call id, a search scans every call of the account.
      const walks = plan.filter((step) => /^SEARCH (calls|c)\b(?!.*\bcall=)/.test(step));
      expect({ sql: each.sql, slow: slowSteps(plan), walks }).toEqual({
        sql: each.sql,
        slow: [],
        walks: [],
      });
    }
  });

  const sumOf = async (
    scope: Parameters<typeof spendReport>[1]['scope'],
    by: 'tool' | 'payee' | 'day' | 'account',
  ) => {
    const sum = { calls: 0n, charged: 0n, failed: 0n };
    let after: string | undefined;
    do {
      const found = await spendReport(db, { ...days, scope, by, limit: 1_000, after });
      if (!found.ok) throw new Error(found.error.kind);
      for (const { calls, charged, failed } of found.value.items) {
        sum.calls += calls;
        sum.charged += charged;
        sum.failed += failed;
      }
      after = found.value.next;
    } while (after !== undefined);
    return sum;
  };

  test.each(['tool', 'payee', 'day', 'account'] as const)(
    'spend by %s adds up to what its calls were charged',
    async (by) => {
      const row = await db
        .prepare(
          `SELECT count(*) AS calls, sum(charged) AS charged, sum(state <> 'committed') AS failed
           FROM calls WHERE ended_at IS NOT NULL AND account < ?`,
        )
        .bind(nth(1_000_000))
        .first<Record<'calls' | 'charged' | 'failed', number>>();
      // All accounts are in one tree, except the one with a real chain.
      expect(await sumOf(nth(0), by)).toEqual({
        calls: BigInt(row?.calls ?? 0),
        charged: BigInt(row?.charged ?? 0),
        failed: BigInt(row?.failed ?? 0),
      });
      const real = await sumOf(ALICE, by);
      expect(real).toEqual({
        calls: BigInt(REAL_CALLS),
        charged: BigInt(REAL_CALLS) * 20_000n,
        failed: 0n,
      });
    },
    600_000,
  );
});
