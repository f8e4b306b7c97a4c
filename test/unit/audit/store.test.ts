import { beforeEach, describe, expect, test } from 'vitest';
import { encodeChunk } from '../../../src/audit/chunk.ts';
import { entryHash, entryText } from '../../../src/audit/entry.ts';
import type { Entry, EntryBody } from '../../../src/protocol/entry.ts';
import { storeChunk } from '../../../src/audit/store.ts';
import { db, freshDatabase, messageOf, rows, storedEntries } from './database.ts';
import {
  accepted,
  accountOf,
  ALICE,
  committed,
  denied,
  failed,
  history,
  kept,
  MALLORY,
  paidCalls,
  resolved,
  settled,
  START,
} from './history.ts';

const store = async (entries: readonly Entry[]) => storeChunk(db, await messageOf(entries), START);

/** The whole content of the database, to compare orders of arrival. */
const picture = async () => ({
  entries: (await storedEntries(ALICE)).map(entryText),
  reports: await Promise.all(
    (['spend', 'accounts', 'kin', 'open_payments'] as const).map((table) => rows(table)),
  ),
  calls: await rows('calls'),
  payments: await rows('payments'),
});

beforeEach(freshDatabase);

/** The database, and the rows that its batches have read. */
const counting = () => {
  const counted = { read: 0 };
  const batch = async <T>(statements: D1PreparedStatement[]): Promise<D1Result<T>[]> => {
    const results = await db.batch<T>(statements);
    for (const { meta } of results) counted.read += meta.rows_read;
    return results;
  };
  const database = new Proxy(db, {
    get: (target, name: keyof D1Database) =>
      name === 'batch'
        ? batch
        : (...args: never[]) => (target[name] as (...given: never[]) => unknown)(...args),
  });
  return { database, counted };
};

test('the cost of a chunk does not grow with the history of its account', async () => {
  const entries = paidCalls(ALICE, 400);
  await store(entries);
  const last = entries.at(-1) as Entry;
  const more = history(ALICE, [accepted(901), committed(901), settled(901)], {
    seq: last.seq,
    hash: entryHash(last),
  });
  const { database, counted } = counting();
  for (const part of [more.slice(0, 2), more.slice(2)]) {
    expect(await storeChunk(database, await messageOf(part), START)).toMatchObject({ ok: true });
  }
  expect(counted.read).toBeLessThan(100);
});

/**
 * Rows billed for one paid call of an account without ancestors. Chunk: its row. Call: its row, and one in each of the two indexes by time,
 * which no later upsert touches. Payment: its row; if it ends in a later chunk, also its row in `open_payments` and the deletion of that row.
 * `spend`: one row of the account and one of all accounts. First chunk of an account: its row in `accounts`.
 */
const CHUNK = 1;
const CALL = 1 + 2;
const PAYMENT = 1;
const OPEN = 1 + 1;
const SPEND = 1 + 1;
const FIRST = 1;

describe('rows of a lone paid call', () => {
  const entries = history(ALICE, [accepted(1), committed(1), settled(1)]);

  test.each([
    ['in one chunk', [3], FIRST + CHUNK + CALL + PAYMENT + SPEND],
    ['settled in a second chunk', [2, 3], FIRST + 2 * CHUNK + CALL + PAYMENT + OPEN + SPEND],
  ])('%s', async (_, cuts, expected) => {
    let written = 0;
    let from = 0;
    for (const to of cuts) {
      const result = await store(entries.slice(from, to));
      written += result.ok ? result.value.rowsWritten : Number.NaN;
      from = to;
    }
    expect(written).toBe(expected);
    expect(written).toBeLessThanOrEqual(11);
    expect(await rows('calls')).toMatchObject([
      {
        tool: 'translate',
        payee: `0x${'0f'.repeat(20)}`,
        price: 20_000,
        charged: 20_000,
        state: 'committed',
        status: 200,
        accepted_at: START,
        first_seq: 1,
      },
    ]);
    expect(await rows('payments')).toMatchObject([
      { state: 'settled', amount: 20_000, block: 123 },
    ]);
    expect(await rows('open_payments')).toEqual([]);
  });

  test.each([
    ['later ones of the account', 0, 3],
    ['an account with three above it', 3, 0],
  ])('%s', async (_, above, before) => {
    const taken: EntryBody = {
      type: 'grant.taken',
      at: START,
      outcome: { above: Array.from({ length: above }, (__, at) => accountOf(at)) },
    };
    const first = above === 0 ? [accepted(9), committed(9), settled(9)] : [taken];
    const all = history(ALICE, [...first, accepted(1), committed(1), settled(1)]);
    const setting = before === 0 ? 1 : before;
    await store(all.slice(0, setting));
    expect(await store(all.slice(setting))).toMatchObject({
      value: { rowsWritten: CHUNK + CALL + PAYMENT + SPEND + (above > 0 ? above : 0) },
    });
  });

  test('only kept amounts have an entry in their index', async () => {
    const all = history(ALICE, [accepted(1), kept(1, 'credit'), resolved(1, 'credit', 'charged')]);
    expect(await store(all.slice(0, 2))).toMatchObject({
      value: { rowsWritten: FIRST + CHUNK + CALL + 1 + SPEND },
    });
    // The call's row and its rows of `spend`; D1 does not bill the removal of an index entry.
    expect(await store(all.slice(2))).toMatchObject({
      value: { rowsWritten: CHUNK + 1 + SPEND },
    });
  });

  test('a hundred calls of one chunk share their rows of `spend`', async () => {
    const result = await store(paidCalls(ALICE, 100));
    expect(result).toMatchObject({
      value: { rowsWritten: FIRST + CHUNK + 100 * (CALL + PAYMENT) + SPEND },
    });
  });

  const spent = { state: 'settled', paidBy: 'upfront' };

  test.each([
    ['succeeds', { ...committed(1), payment: spent }, 0, [8, 10, 10]],
    // Also a row of `credit_movements`.
    ['fails', { ...failed(1), payment: spent }, 20_000, [9, 12, 11]],
  ])('a call settled upfront whose tool %s', async (_, end, credited, expected) => {
    const upfront = history(ALICE, [accepted(1), settled(1), end]);
    const written: number[] = [];
    for (const cuts of [[3], [2, 3], [1, 3]]) {
      await freshDatabase();
      let [from, sum] = [0, 0];
      for (const to of cuts) {
        const result = await store(upfront.slice(from, to));
        sum += result.ok ? result.value.rowsWritten : Number.NaN;
        from = to;
      }
      written.push(sum);
      expect(await rows('payments')).toEqual([
        {
          ...((await rows('payments'))[0] as object),
          state: 'settled',
          amount: 20_000,
          credited,
          transaction_hash: settled(1).payment?.['transaction'],
          block: 123,
          at: START + 4,
        },
      ]);
    }
    expect(written).toEqual(expected);
  });

  test('a redelivery writes none', async () => {
    await store(entries);
    expect(await store(entries)).toMatchObject({ ok: true, value: { last: 3, rowsWritten: 0 } });
    expect(await store(entries.slice(0, 2))).toMatchObject({
      ok: true,
      value: { last: 3, rowsWritten: 0 },
    });
  });
});

describe('the tables do not depend on how chunks arrive', () => {
  const entries = history(ALICE, [
    accepted(1),
    accepted(2),
    committed(2),
    denied(3),
    failed(1),
    settled(2),
    accepted(4),
    committed(4),
    settled(4),
  ]);

  test.each([
    ['one chunk', [[0, 9]]],
    ['one entry a chunk', entries.map((_, index) => [index, index + 1])],
    [
      'every chunk twice',
      [
        [0, 4],
        [0, 4],
        [4, 9],
        [4, 9],
        [0, 4],
      ],
    ],
    [
      'a gap first, then resent',
      [
        [4, 9],
        [0, 4],
        [4, 9],
      ],
    ],
    [
      'lost, then resent longer',
      [
        [0, 2],
        [0, 7],
        [0, 9],
      ],
    ],
    [
      'resent after a crash, cut elsewhere',
      [
        [0, 5],
        [3, 8],
        [2, 9],
        [0, 9],
      ],
    ],
    [
      'resent shorter than stored',
      [
        [0, 9],
        [3, 5],
        [8, 9],
      ],
    ],
  ])('%s', async (_, cuts) => {
    await store(entries);
    const expected = await picture();
    expect(expected.entries).toEqual(entries.map(entryText));
    await freshDatabase();
    for (const [from, to] of cuts) await store(entries.slice(from, to));
    const { entries: stored, calls, payments, reports } = await picture();
    expect(reports).toEqual(expected.reports);
    expect(stored).toEqual(expected.entries);
    expect(calls).toEqual(expected.calls);
    expect(payments).toEqual(expected.payments);
    expect(calls).toHaveLength(3);
    expect(payments.map(({ state }) => state)).toEqual(['released', 'settled', 'settled']);
  });

  test('two concurrent consumers store it once', async () => {
    const both = await Promise.all([store(entries.slice(0, 6)), store(entries.slice(0, 4))]);
    const kinds = both.map((result) => (result.ok ? 'stored' : result.error.kind));
    expect(kinds).toContain('stored');
    expect(['stored', 'contended']).toEqual(expect.arrayContaining(kinds));
    await store(entries);
    expect((await picture()).entries).toEqual(entries.map(entryText));
  });

  test('many chunks of two accounts', async () => {
    const long = paidCalls(ALICE, 300);
    const other = paidCalls(MALLORY, 2);
    for (let from = 0; from < long.length; from += 250) await store(long.slice(from, from + 250));
    await store(other);
    expect(await rows('calls')).toHaveLength(302);
    expect(await rows('payments')).toHaveLength(302);
    expect(await storedEntries(ALICE)).toEqual(long);
  });
});

describe('a chunk that the account did not send writes nothing', () => {
  const entries = paidCalls(ALICE, 2);
  const at = (index: number): Entry => entries[index] as Entry;
  const gap = { ok: false, error: { kind: 'gap', expected: 1 } };

  const stored = async () => (await storedEntries(ALICE)).length;

  test('a gap is retried', async () => {
    expect(await store(entries.slice(3))).toEqual(gap);
    expect(await stored()).toBe(0);
    await store(entries.slice(0, 2));
    expect(await store(entries.slice(3))).toEqual({
      ok: false,
      error: { kind: 'gap', expected: 3 },
    });
    expect(await stored()).toBe(2);
  });

  test('an altered entry', async () => {
    const forged = entries.with(1, { ...at(1), amounts: { charged: '1' } });
    expect(await store(forged)).toMatchObject({
      error: { kind: 'refused', why: { kind: 'broken', broken: { seq: 2, reason: 'altered' } } },
    });
    expect(await stored()).toBe(0);
  });

  test('a chunk under the name of another account', async () => {
    const message = { ...(await messageOf(paidCalls(MALLORY, 1))), account: ALICE };
    expect(await storeChunk(db, message, START)).toMatchObject({
      error: { kind: 'refused', why: { broken: { reason: 'account', found: MALLORY } } },
    });
    expect(await stored()).toBe(0);
  });

  test('a message with other seqs than its chunk', async () => {
    const message = { ...(await messageOf(entries)), last: 5 };
    expect(await storeChunk(db, message, START)).toMatchObject({
      error: { why: { kind: 'mislabelled' } },
    });
    expect(await stored()).toBe(0);
  });

  test('a chain that does not begin with seq 1', async () => {
    const forged = entries.with(0, { ...at(0), prev: entryHash(at(3)) });
    expect(await store(forged)).toMatchObject({ error: { kind: 'refused' } });
    expect(await stored()).toBe(0);
  });

  test('a continuation of another history', async () => {
    await store(entries.slice(0, 3));
    const forged = history(ALICE, [accepted(9), committed(9)], { seq: 3, hash: entryHash(at(1)) });
    expect(await store(forged)).toMatchObject({ error: { why: { kind: 'forked', seq: 4 } } });
    expect(await stored()).toBe(3);
  });

  test.each([
    ['longer than what is stored', 6, 3],
    ['as long as what is stored', 3, 3],
    ['shorter than what is stored', 2, 2],
  ])('another history from the beginning, %s', async (_, length, seq) => {
    await store(entries.slice(0, 3));
    const other = paidCalls(ALICE, 2).slice(0, length);
    expect(await store(other)).toMatchObject({
      error: { kind: 'refused', why: { kind: 'forked', seq } },
    });
    expect(await storedEntries(ALICE)).toEqual(entries.slice(0, 3));
  });

  test('an amount beyond safe integers', async () => {
    const huge = history(ALICE, [{ ...accepted(1), amounts: { price: '9007199254740993' } }]);
    expect(await store(huge)).toMatchObject({
      error: { kind: 'refused', why: { kind: 'amount' } },
    });
    expect(await stored()).toBe(0);
  });

  test('a projection that fails rolls its chunk back', async () => {
    await db.prepare('DROP TABLE payments').run();
    expect(await store(entries)).toMatchObject({ error: { kind: 'unavailable' } });
    expect(await stored()).toBe(0);
    expect(await rows('calls')).toEqual([]);
  });
});

describe('triggers protect the log', () => {
  const entries = paidCalls(ALICE, 3);
  const insert = async (first: number, last: number, account = ALICE, how = 'INSERT') =>
    db
      .prepare(`${how} INTO chunks VALUES (?, ?, ?, ?, ?, ?)`)
      .bind(account, first, last, 'x', new Uint8Array(1), START)
      .run();
  const run = (sql: string) => db.prepare(sql).run();
  const watermark = (seq: number, hash: string, how = 'INSERT') =>
    db.prepare(`${how} INTO archived VALUES (?, ?, ?, ?)`).bind(ALICE, seq, hash, START).run();
  const chunks = async () =>
    (await db.prepare('SELECT first_seq, last_seq FROM chunks ORDER BY 1').all()).results;

  beforeEach(async () => {
    await store(entries.slice(0, 3));
    await store(entries.slice(3, 6));
  });

  test.each([
    ['a gap', () => insert(8, 9), 'does not continue'],
    ['an overlap', () => insert(6, 9), 'does not continue'],
    ['a first chunk again', () => insert(1, 3), 'does not continue'],
    [
      'a first chunk again, replacing',
      () => insert(1, 3, ALICE, 'INSERT OR REPLACE'),
      'does not continue',
    ],
    ['a start in the middle', () => insert(2, 3, MALLORY), 'does not continue'],
    ['seqs backwards', () => insert(7, 6), 'CHECK'],
    ['an update', () => run("UPDATE chunks SET last_hash = 'y'"), 'append-only'],
    [
      'an update of one body',
      () => run("UPDATE chunks SET body = x'00' WHERE first_seq = 1"),
      'append-only',
    ],
    ['a delete', () => run('DELETE FROM chunks'), 'not archived'],
    ['a delete of the newest', () => run('DELETE FROM chunks WHERE first_seq = 4'), 'not archived'],
    [
      'a watermark in the middle of a chunk',
      () => watermark(2, entryHash(entries[1] as Entry)),
      'not the end',
    ],
    [
      'a watermark beyond the end',
      () => watermark(9, entryHash(entries[8] as Entry)),
      'not the end',
    ],
    ['a watermark over another hash', () => watermark(3, 'x'), 'not the end'],
  ])('%s is aborted', async (_, attempt, message) => {
    await expect(attempt()).rejects.toThrow(message);
    expect(await storedEntries(ALICE)).toEqual(entries.slice(0, 6));
    expect(await chunks()).toHaveLength(2);
  });

  test('archived chunks may be deleted, and the chain continues from the watermark', async () => {
    await watermark(3, entryHash(entries[2] as Entry));
    await expect(run('DELETE FROM chunks')).rejects.toThrow('not archived');
    await run('DELETE FROM chunks WHERE last_seq <= 3');
    expect(await chunks()).toEqual([{ first_seq: 4, last_seq: 6 }]);
    const end = entryHash(entries[5] as Entry);
    await db
      .prepare(
        `INSERT INTO archived VALUES (?, 6, ?, ?) ON CONFLICT (account) DO UPDATE
         SET last_seq = excluded.last_seq, last_hash = excluded.last_hash, at = excluded.at`,
      )
      .bind(ALICE, end, START)
      .run();
    await run('DELETE FROM chunks');
    expect(await store(entries.slice(0, 6))).toMatchObject({
      ok: true,
      value: { last: 6, rowsWritten: 0 },
    });
    expect(await store(paidCalls(ALICE, 3).slice(6))).toMatchObject({
      error: { why: { kind: 'forked', seq: 7 } },
    });
    expect(await store(entries.slice(6))).toMatchObject({ ok: true, value: { last: 9 } });
    expect(await chunks()).toEqual([{ first_seq: 7, last_seq: 9 }]);
  });

  test('a watermark never falls and is never removed', async () => {
    await watermark(6, entryHash(entries[5] as Entry));
    const third = entryHash(entries[2] as Entry);
    await expect(watermark(3, third, 'INSERT OR REPLACE')).rejects.toThrow('not the end');
    await expect(
      db.prepare('UPDATE archived SET last_seq = 3, last_hash = ?').bind(third).run(),
    ).rejects.toThrow('later chunk');
    await expect(run('DELETE FROM archived')).rejects.toThrow('never removed');
  });

  test('an older seq never overwrites a newer projection', async () => {
    const before = await rows('calls');
    const old = [{ call: before[0]?.call, seq: 1, state: 'held', tool: 'older' }];
    const { projectionStatements } = await import('../../../src/audit/projection-statements.ts');
    await db.batch(
      projectionStatements(db, ALICE, {
        calls: old as never,
        payments: [],
        opened: [],
        closed: [],
      }),
    );
    expect(await rows('calls')).toEqual(before);
  });

  test('each index serves a list', async () => {
    const { results } = await db
      .prepare(
        `SELECT name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL
         AND tbl_name IN ('chunks', 'calls', 'payments', 'open_payments', 'accounts', 'kin', 'spend', 'dead_letters') ORDER BY 1`,
      )
      .all<{ name: string }>();
    expect(results.map(({ name }) => name)).toEqual([
      'accounts_below',
      'calls_by_account',
      'calls_by_time',
      'calls_kept',
      'dead_letters_by_call',
      'dead_letters_by_time',
      'payments_late',
      'payments_unsettled',
    ]);
  });
});

test('a stored chunk is the sent one, byte for byte', async () => {
  const entries = paidCalls(ALICE, 1);
  await store(entries);
  const row = await db.prepare('SELECT body FROM chunks').first<{ body: number[] }>();
  const sent = await encodeChunk(entries);
  expect(Uint8Array.from(row?.body ?? [])).toEqual(sent);
});
