import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { encodeChunk } from '../../../src/audit/chunk.ts';
import { entryHash, entryText } from '../../../src/audit/entry.ts';
import { storeChunk } from '../../../src/audit/store.ts';
import type { Entry } from '../../../src/protocol/entry.ts';
import { db, freshDatabase, messageOf, rows, storedEntries } from './database.ts';
import {
  accepted,
  ALICE,
  committed,
  denied,
  failed,
  history,
  MALLORY,
  paidCalls,
  settled,
  START,
} from './history.ts';

const store = async (entries: readonly Entry[]) => storeChunk(db, await messageOf(entries), START);

/** The whole content of the database, to compare different orders of arrival. */
const picture = async () => ({
  entries: (await storedEntries(ALICE)).map(entryText),
  reports: await Promise.all((['spend', 'accounts', 'kin'] as const).map((table) => rows(table))),
  calls: await rows('calls'),
});

beforeEach(freshDatabase);

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
    const { entries: stored, calls, reports } = await picture();
    expect(reports).toEqual(expected.reports);
    expect(stored).toEqual(expected.entries);
    expect(calls).toEqual(expected.calls);
    expect(calls).toHaveLength(3);
    expect(calls.map(({ payment }) => payment)).toEqual(['released', 'settled', 'settled']);
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
    expect(await storedEntries(ALICE)).toEqual(long);
  });
});

describe('a chunk that no account could have sent writes nothing', () => {
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
    // Test files share the database.
    onTestFinished(freshDatabase);
    await db.prepare('DROP TABLE spend').run();
    expect(await store(entries)).toMatchObject({ error: { kind: 'unavailable' } });
    expect(await stored()).toBe(0);
    expect(await rows('calls')).toEqual([]);
  });
});

test('a stored chunk is the sent one, byte for byte', async () => {
  const entries = paidCalls(ALICE, 1);
  await store(entries);
  const row = await db.prepare('SELECT body FROM chunks').first<{ body: number[] }>();
  const sent = encodeChunk(entries);
  expect(Uint8Array.from(row?.body ?? [])).toEqual(sent);
});
