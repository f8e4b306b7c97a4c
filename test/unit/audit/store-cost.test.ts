import { beforeEach, describe, expect, test } from 'vitest';
import { splitRun } from '../../../src/audit/chunk.ts';
import { entryHash } from '../../../src/audit/entry.ts';
import { storeChunk } from '../../../src/audit/store.ts';
import type { Entry, EntryBody } from '../../../src/protocol/entry.ts';
import { db, freshDatabase, messageOf, rows } from './database.ts';
import {
  accepted,
  accountOf,
  ALICE,
  committed,
  failed,
  history,
  kept,
  paidCalls,
  resolved,
  settled,
  START,
} from './history.ts';

const store = async (entries: readonly Entry[]) => storeChunk(db, await messageOf(entries), START);

beforeEach(freshDatabase);

/** A database that counts the rows that its batches read. */
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
  for (const message of splitRun(entries)) {
    expect(await storeChunk(db, message, START)).toMatchObject({ ok: true });
  }
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
 * Rows billed for one paid call of an account without ancestors. Chunk: one row. Call: its row, and a row in the index on the account,
 * which later updates do not touch. Payment: nothing if it ends in the call's chunk; otherwise a row in the index of open payments, and
 * later the call's row again. `spend`: a row for the account and a row for all accounts, the latter again if the payment settles in a later
 * chunk. First chunk of an account: a row in `accounts`. Later decision about a charge: a row in `charge_changes`, and a row in the index
 * on its time.
 */
const CHUNK = 1;
const CALL = 1 + 1;
const OPEN = 1 + 1;
const SPEND = 1 + 1;
const EARNED = 1;
const CHANGE = 1 + 1;
const FIRST = 1;

describe('the rows that D1 bills for a paid call', () => {
  const entries = history(ALICE, [accepted(1), committed(1), settled(1)]);

  test.each([
    ['in one chunk', [3], FIRST + CHUNK + CALL + SPEND],
    ['settled in a second chunk', [2, 3], FIRST + 2 * CHUNK + CALL + OPEN + SPEND + EARNED],
  ])('%s', async (_, cuts, expected) => {
    let written = 0;
    let from = 0;
    for (const to of cuts) {
      const result = await store(entries.slice(from, to));
      written += result.ok ? result.value.rowsWritten : Number.NaN;
      from = to;
    }
    expect(written).toBe(expected);
    expect(written).toBeLessThanOrEqual(10);
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
        payment: 'settled',
        amount: 20_000,
        block: 123,
      },
    ]);
  });

  test.each([
    ['a later call of an account', 0, 3],
    ['the first call of an account with three ancestors', 3, 0],
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
      value: { rowsWritten: CHUNK + CALL + SPEND + (above > 0 ? above : 0) },
    });
  });

  test('a kept amount adds one index row', async () => {
    const all = history(ALICE, [accepted(1), kept(1, 'credit'), resolved(1, 'credit', 'charged')]);
    expect(await store(all.slice(0, 2))).toMatchObject({
      value: { rowsWritten: FIRST + CHUNK + CALL + 1 + SPEND },
    });
    // The call's row, the change, and its rows of `spend`. D1 does not bill the removal of an index entry.
    expect(await store(all.slice(2))).toMatchObject({
      value: { rowsWritten: CHUNK + 1 + CHANGE + SPEND },
    });
  });

  test('a hundred calls of one chunk share their rows of `spend`', async () => {
    const result = await store(paidCalls(ALICE, 100));
    expect(result).toMatchObject({
      value: { rowsWritten: FIRST + CHUNK + 100 * CALL + SPEND },
    });
  });

  const spent = { state: 'settled', paidBy: 'upfront' };

  test.each([
    ['succeeds', { ...committed(1), payment: spent }, 0, [6, 9, 8]],
    // Adds a row of `credit_movements`.
    ['fails', { ...failed(1), payment: spent }, 20_000, [7, 10, 9]],
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
      expect(await rows('calls')).toMatchObject([
        {
          payment: 'settled',
          amount: 20_000,
          credited,
          transaction_hash: settled(1).payment?.['transaction'],
          block: 123,
          payment_at: START + 4,
          late: null,
        },
      ]);
    }
    expect(written).toEqual(expected);
  });

  test('a redelivery writes no row', async () => {
    await store(entries);
    expect(await store(entries)).toMatchObject({ ok: true, value: { last: 3, rowsWritten: 0 } });
    expect(await store(entries.slice(0, 2))).toMatchObject({
      ok: true,
      value: { last: 3, rowsWritten: 0 },
    });
  });
});
