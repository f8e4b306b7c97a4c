import { beforeEach, describe, expect, test } from 'vitest';
import { listCalls } from '../../../src/management/call-list.ts';
import { queueDepths } from '../../../src/management/queue.ts';
import {
  findDeadLetter,
  listDeadLetters,
  markRedriven,
} from '../../../src/management/dead-letter.ts';
import { settlementStory } from '../../../src/management/settlement-story.ts';
import { recordDeadLetters } from '../../../src/settlement/dead-letter.ts';
import { db, freshDatabase } from '../audit/database.ts';
import { ALICE, word } from '../audit/history.ts';
import { valueOf, walk } from './walk.ts';

beforeEach(freshDatabase);

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
    const all = await walk((page) => listDeadLetters(db, page), limit);
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
