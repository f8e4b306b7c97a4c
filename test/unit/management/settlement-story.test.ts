import { beforeEach, describe, expect, test } from 'vitest';
import { settlementStory } from '../../../src/management/settlement-story.ts';
import type { Entry, EntryBody } from '../../../src/protocol/entry.ts';
import { db, freshDatabase } from '../audit/database.ts';
import { accepted, ALICE, committed, denied, settled, START, word } from '../audit/history.ts';
import { archive, happen, valueOf } from './walk.ts';

beforeEach(freshDatabase);

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
      call: { state: 'committed', payment: { state: 'settled' }, isOpen: false },
      complete: true,
    });
    expect(story?.entries).toEqual(entries.filter(({ call }) => call === word(1)));
  });

  const denyLike = (body: EntryBody): EntryBody => ({ ...denied(3), at: body.at });

  test('of an open payment has the commands about it', async () => {
    const redriven: EntryBody = { type: 'settlement.redriven', at: START, call: word(1) };
    await happen(ALICE, [accepted(1), committed(1), denied(2), redriven]);
    const story = await valueOf(settlementStory(db, ALICE, word(1)));
    expect(story).toMatchObject({ call: { isOpen: true }, complete: true });
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
