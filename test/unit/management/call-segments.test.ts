import { beforeEach, describe, expect, test } from 'vitest';
import { storeChunk } from '../../../src/audit/store.ts';
import { findCall } from '../../../src/management/call.ts';
import { listCalls } from '../../../src/management/call-list.ts';
import type { Entry } from '../../../src/protocol/entry.ts';
import { db, freshDatabase, messageOf } from '../audit/database.ts';
import { accepted, ALICE, committed, history, settled, START, word } from '../audit/history.ts';

const SEGMENT = 4_096;

beforeEach(freshDatabase);

const store = async (entries: readonly Entry[]) =>
  expect(await storeChunk(db, await messageOf(entries), START)).toMatchObject({ ok: true });

/** Adds a call whose acceptance has this sequence number in the account's log. */
const add = async (seed: number, firstSeq: number, acceptedAt: number) =>
  db
    .prepare(
      `INSERT INTO calls (account, call, state, accepted_at, first_seq, segment, seq) VALUES (?, ?, 'committed', ?, ?, ?, ?)`,
    )
    .bind(ALICE, word(seed), acceptedAt, firstSeq, Math.floor(firstSeq / SEGMENT), firstSeq + 1)
    .run();

const callsOf = async (filter: { readonly from?: number; readonly to?: number }, limit = 2) => {
  const seeds: number[] = [];
  let after: string | undefined;
  do {
    const found = await listCalls(db, { account: ALICE, limit, after, ...filter });
    if (!found.ok) throw new Error(found.error.kind);
    seeds.push(...found.value.items.map(({ call }) => Number(BigInt(call))));
    after = found.value.next;
  } while (after !== undefined);
  return seeds;
};

describe('a log of several segments', () => {
  // Two calls in each of the segments 0, 1, 5 and 6. Their ids are not ordered by time.
  const CALLS = [
    [8, 1],
    [3, SEGMENT - 1],
    [5, SEGMENT],
    [1, SEGMENT + 1],
    [7, 5 * SEGMENT],
    [2, 6 * SEGMENT - 1],
    [4, 6 * SEGMENT],
    [6, 6 * SEGMENT + 9],
  ] as const;

  beforeEach(async () => {
    for (const [at, [seed, firstSeq]] of CALLS.entries())
      await add(seed, firstSeq, START + at * 10);
  });

  const newestFirst = CALLS.map(([seed]) => seed).toReversed();

  test.each([1, 2, 3, 9])('is listed newest first, %d calls a page', async (limit) => {
    expect(await callsOf({}, limit)).toEqual(newestFirst);
  });

  test('is listed by time of acceptance', async () => {
    for (let from = 0; from <= CALLS.length; from += 1) {
      for (let to = from; to <= CALLS.length; to += 1) {
        const expected = CALLS.slice(from, to).map(([seed]) => seed);
        const within = { from: START + from * 10, to: START + to * 10 };
        expect(await callsOf(within)).toEqual(expected.toReversed());
      }
      const since = CALLS.slice(from).map(([seed]) => seed);
      expect(await callsOf({ from: START + from * 10 })).toEqual(since.toReversed());
      const until = CALLS.slice(0, from).map(([seed]) => seed);
      expect(await callsOf({ to: START + from * 10 })).toEqual(until.toReversed());
    }
  });

  test('is listed by time of acceptance after the clock of the account stepped back', async () => {
    // Swaps the times of segment 5's last call and segment 6's first call.
    await db
      .prepare('UPDATE calls SET accepted_at = ?1 - accepted_at WHERE first_seq BETWEEN ?2 AND ?3')
      .bind(2 * START + 110, 6 * SEGMENT - 1, 6 * SEGMENT)
      .run();
    expect(await callsOf({ from: START + 50, to: START + 60 })).toEqual([4]);
    expect(await callsOf({ from: START + 60, to: START + 70 })).toEqual([2]);
  });

  test('has each of its calls under its id', async () => {
    for (const [seed, firstSeq] of CALLS) {
      const found = await findCall(db, ALICE, word(seed));
      expect(found).toMatchObject({ ok: true, value: { call: word(seed), seq: firstSeq + 1 } });
    }
    expect(await findCall(db, ALICE, word(99))).toEqual({ ok: true, value: undefined });
  });
});

test('an entry updates a call that was accepted many segments before', async () => {
  const entries = history(ALICE, [accepted(1), committed(1), settled(1)]);
  await store(entries.slice(0, 2));
  await add(2, 50 * SEGMENT, START);
  await store(entries.slice(2));
  expect(await findCall(db, ALICE, word(1))).toMatchObject({
    value: { state: 'committed', payment: { state: 'settled', amount: 20_000n, block: 123 } },
  });
});
