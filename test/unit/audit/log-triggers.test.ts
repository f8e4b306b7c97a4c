import { beforeEach, describe, expect, test } from 'vitest';
import { entryHash } from '../../../src/audit/entry.ts';
import { storeChunk } from '../../../src/audit/store.ts';
import type { Hex } from '../../../src/core/hex.ts';
import type { Entry } from '../../../src/protocol/entry.ts';
import { db, freshDatabase, messageOf, rows, storedEntries } from './database.ts';
import { ALICE, MALLORY, paidCalls, START } from './history.ts';

const store = async (entries: readonly Entry[]) => storeChunk(db, await messageOf(entries), START);

beforeEach(freshDatabase);

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
    const call = before[0]?.['call'] as Hex;
    const old = { call, seq: 1, state: 'held', tool: 'older' } as const;
    const acceptance = { ...old, firstSeq: 1, acceptedAt: START };
    const { projectionStatements } = await import('../../../src/audit/projection-statements.ts');
    await db.batch(projectionStatements(db, ALICE, [old]));
    await db.batch(projectionStatements(db, ALICE, [acceptance]));
    expect(await rows('calls')).toEqual(before);
  });

  test('each index serves a list', async () => {
    const { results } = await db
      .prepare(
        `SELECT name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL
         AND tbl_name IN ('chunks', 'calls', 'accounts', 'kin', 'spend', 'dead_letters') ORDER BY 1`,
      )
      .all<{ name: string }>();
    expect(results.map(({ name }) => name)).toEqual([
      'accounts_below',
      'calls_ended_late',
      'calls_ended_late_of_account',
      'calls_kept',
      'calls_late',
      'calls_of_account',
      'calls_open',
      'calls_unsettled',
      'dead_letters_by_call',
      'dead_letters_by_time',
      'spend_denied',
    ]);
  });
});
