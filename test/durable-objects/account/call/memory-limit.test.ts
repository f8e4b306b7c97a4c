import { evictDurableObject } from 'cloudflare:test';
import { describe, expect, test } from 'vitest';
import {
  MEMORY_PAUSE,
  MOST_OPEN,
  MOST_WITH_ANSWERS,
} from '../../../../durable-objects/account/call/memory-limit.ts';
import { loadCall } from '../../../../durable-objects/account/call/stored-call.ts';
import { type Noun, put, remove } from '../../../../durable-objects/store/noun.ts';
import type { Hex } from '../../../../src/core/hex.ts';
import {
  callOf,
  factsOf,
  intentCallOf,
  onDisk,
  randomHex,
  stubOf,
  success,
  topUp,
  trust,
} from '../../support.ts';

/** Stands in for open calls, which stay in memory. */
const BALLAST: Noun<{ readonly id: number; readonly text: string }> = {
  name: 'ballast',
  key: ({ id }) => id,
  encode: ({ text }) => text,
  decode: (text) => ({ id: 0, text }),
};

const PIECE = 262_144;

/** Fills the account's memory to a number of characters, or frees it. */
const fill = async (payer: Hex, characters: number): Promise<void> => {
  await onDisk(payer, (disk) => {
    const known = disk.count(BALLAST);
    const wanted = Math.ceil(characters / PIECE);
    const ids = Array.from({ length: Math.max(known, wanted) }, (_, id) => id);
    const text = 'x'.repeat(PIECE);
    disk.write(ids.map((id) => (id < wanted ? put(BALLAST, { id, text }) : remove(BALLAST, id))));
    expect(disk.characters()).toBeGreaterThanOrEqual(characters);
    expect(disk.characters()).toBeLessThan(characters + 2 * PIECE);
  });
  await evictDurableObject(stubOf(payer));
};

const known = async (): Promise<Hex> => {
  const payer = randomHex(20);
  await trust(payer, 1_000_000n, 100_000_000n);
  return payer;
};

const answered = { ...success, answer: { status: 200, headers: {}, body: 'b3Blbg==' } };

const run = async (payer: Hex) => {
  const [call, attempt] = [callOf(payer), randomHex(16)];
  const verdict = await stubOf(payer).reserve(call, attempt, {});
  await stubOf(payer).finish(call.id, attempt, answered);
  return { verdict, record: await onDisk(payer, (disk) => loadCall(disk, call.id)) };
};

describe('an account whose open calls fill its memory', () => {
  test('stores no more answers, and runs calls as before', async () => {
    const payer = await known();
    expect((await run(payer)).record?.answer).toEqual(answered.answer);
    await fill(payer, MOST_WITH_ANSWERS);
    const full = await run(payer);
    expect(full.verdict.verdict).toBe('go');
    expect(full.record).toMatchObject({ state: 'committed', answer: undefined });
    await fill(payer, 0);
    expect((await run(payer)).record?.answer).toEqual(answered.answer);
  });

  test('refuses deferred calls for some seconds and reserves nothing, until memory is free', async () => {
    const payer = await known();
    await fill(payer, MOST_OPEN);
    const call = callOf(payer);
    const reserve = () => stubOf(payer).reserve(call, randomHex(16), {});
    const refused = { verdict: 'settlement_unavailable', retryAfter: MEMORY_PAUSE };
    expect(await reserve()).toEqual(refused);
    expect(await onDisk(payer, (disk) => loadCall(disk, call.id))).toBeUndefined();
    await fill(payer, 0);
    expect((await reserve()).verdict).toBe('go');
  });

  test('runs calls that end at once: upfront, and from credit', async () => {
    const [upfront, credited] = [await known(), await known()];
    await topUp(credited, 100_000n);
    for (const payer of [upfront, credited]) await fill(payer, MOST_OPEN);
    const call = callOf(upfront, { settlement: 'upfront' });
    const facts = factsOf(100_000_000n);
    expect((await stubOf(upfront).reserve(call, randomHex(16), { facts })).verdict).toBe('settle');
    const intent = intentCallOf(credited);
    expect((await stubOf(credited).reserve(intent, randomHex(16), {})).verdict).toBe('go');
  });
});
