import { runInDurableObject } from 'cloudflare:test';
import { describe, expect, test } from 'vitest';
import { nowSeconds, type Seconds } from '../../../src/core/clock.ts';
import { type Decide, openGroupCommit } from '../../../durable-objects/store/group-commit.ts';
import { type Noun, put, remove, type Write } from '../../../durable-objects/store/noun.ts';
import type { Reader } from '../../../durable-objects/store/query.ts';
import { openDisk } from '../../../durable-objects/store/open-disk.ts';
import { randomHex, stubOf } from '../support.ts';

type State = { readonly id: 'state'; readonly seen: number };
type Thing = { readonly id: string; readonly size: number };
type Memory = { state: State };

const STATE: Noun<State> = {
  name: 'state',
  key: ({ id }) => id,
  encode: JSON.stringify,
  decode: (text) => JSON.parse(text) as State,
};

/** A value whose size is below zero cannot be stored. */
const THING: Noun<Thing, 'size'> = {
  name: 'thing',
  key: ({ id }) => id,
  encode: (thing) => {
    if (thing.size < 0) throw new RangeError('below zero');
    return JSON.stringify(thing);
  },
  decode: (text) => JSON.parse(text) as Thing,
  fields: { size: ({ size }) => size },
};

const open = (storage: DurableObjectStorage, due?: Seconds) =>
  openGroupCommit<State, Reader, Memory>(storage, {
    name: 'test',
    state: STATE,
    wake: (disk) => ({ state: disk.get(STATE, 'state') ?? { id: 'state', seen: 0 } }),
    readerOf: (_, disk) => disk,
    contextOf: (_, read) => read,
    complete: (_, decision) => decision,
    remember: (memory, { state, entries }) => {
      memory.state = state;
      return entries;
    },
    exportedOf: () => 0,
    nextDue: () => due,
    afterCommit: () => undefined,
  });

/** A command that counts its runs, writes, and returns the sizes that it reads. */
const deciding =
  (...writes: readonly Write[]): Decide<State, Reader, Memory, string> =>
  (state, read) => ({
    state: { ...state, seen: state.seen + 1 },
    writes,
    entries: [],
    verdict: `${state.seen}: ${[...read.find(THING)].map(({ size }) => size).join(' ')}`,
  });

const inObject = <T>(work: (storage: DurableObjectStorage) => Promise<T>): Promise<T> =>
  runInDurableObject(stubOf(randomHex(20)), (_, { storage }) => work(storage));

describe('a group commit', () => {
  test('decides each on what its predecessors in the group have written', async () => {
    const found = await inObject(async (storage) => {
      const { submit } = open(storage);
      const verdicts = await Promise.all([
        submit(deciding(), 'refused'),
        submit(deciding(put(THING, { id: 'a', size: 1 }), put(THING, { id: 'b', size: 2 })), ''),
        submit(deciding(remove(THING, 'a'), put(THING, { id: 'b', size: 3 })), 'refused'),
        submit(deciding(put(THING, { id: 'a', size: 4 })), 'refused'),
        submit(deciding(), 'refused'),
      ]);
      const disk = openDisk(storage);
      return { verdicts, things: [...disk.find(THING)], state: disk.get(STATE, 'state') };
    });

    expect(found).toEqual({
      verdicts: ['0: ', '1: ', '2: 1 2', '3: 3', '4: 4 3'],
      things: [
        { id: 'a', size: 4 },
        { id: 'b', size: 3 },
      ],
      state: { id: 'state', seen: 5 },
    });
  });

  test('stores nothing of decisions without writes, and their state with the next write', async () => {
    const found = await inObject(async (storage) => {
      const { submit } = open(storage);
      await submit(deciding(), 'refused');
      const before = openDisk(storage).exists();
      await submit(deciding(put(THING, { id: 'a', size: 1 })), 'refused');
      return { before, state: openDisk(storage).get(STATE, 'state') };
    });

    expect(found).toEqual({ before: false, state: { id: 'state', seen: 2 } });
  });

  test('answers no decision before its commit is durable (law 2)', async () => {
    const found = await inObject(async (storage) => {
      const durable = Promise.withResolvers<undefined>();
      const slow = new Proxy(storage, {
        get: (of, member) => {
          if (member === 'sync') return async () => await durable.promise;
          const value: unknown = Reflect.get(of, member, of);
          return typeof value === 'function' ? value.bind(of) : value;
        },
      });
      let answered = false;
      const { submit } = open(slow);
      const verdict = submit(deciding(put(THING, { id: 'a', size: 1 })), 'refused');
      void verdict.then(() => (answered = true));
      while (!openDisk(storage).exists()) await scheduler.wait(1);
      await scheduler.wait(5);
      const before = answered;
      durable.resolve(undefined);
      return { before, verdict: await verdict };
    });

    expect(found).toEqual({ before: false, verdict: '0: ' });
  });

  test('refuses the whole group that cannot be stored, and forgets what memory had of it', async () => {
    const found = await inObject(async (storage) => {
      const { submit } = open(storage);
      const first = await submit(deciding(put(THING, { id: 'a', size: 1 })), 'refused');
      const group = await Promise.all([
        submit(deciding(), 'refused'),
        submit(deciding(put(THING, { id: 'b', size: 2 })), 'refused'),
        submit(deciding(put(THING, { id: 'c', size: -1 })), 'refused'),
      ]);
      const last = await submit(deciding(), 'refused');
      return { first, group, last, things: [...openDisk(storage).find(THING)] };
    });

    // Commands of one turn are one group.
    expect(found).toEqual({
      first: '0: ',
      group: ['refused', 'refused', 'refused'],
      last: '1: 1',
      things: [{ id: 'a', size: 1 }],
    });
  });
});

describe('a deferred decision', () => {
  const first = put(THING, { id: 'a', size: 1 });
  const second = put(THING, { id: 'b', size: 2 });

  /** Defers a write while the object is busy. @returns its answer, and what was stored by then */
  const defer = async (
    storage: DurableObjectStorage,
    { defer: deferred }: ReturnType<typeof open>,
    isRepeated = true,
  ) => ({
    answer: await deferred(deciding(second), () => isRepeated, 'accepted', 'refused'),
    sizes: [...openDisk(storage).find(THING)].map(({ size }) => size),
  });

  test('is answered before it is stored, and every later decision sees it', async () => {
    const found = await inObject(async (storage) => {
      const group = open(storage, nowSeconds() + 60);
      await group.submit(deciding(first), 'refused');
      const deferred = await defer(storage, group);
      return { ...deferred, next: await group.submit(deciding(), 'refused') };
    });
    expect(found).toEqual({ answer: 'accepted', sizes: [1], next: '2: 1 2' });
  });

  test('is stored before it is answered if it would not be repeated', async () => {
    const found = await inObject(async (storage) => {
      const group = open(storage, nowSeconds() + 60);
      await group.submit(deciding(first), 'refused');
      return defer(storage, group, false);
    });
    expect(found).toEqual({ answer: '1: 1', sizes: [1, 2] });
  });

  test('is stored before it is answered if no alarm is set that would repeat it', async () => {
    const found = await inObject(async (storage) => {
      const group = open(storage);
      await group.submit(deciding(first), 'refused');
      return defer(storage, group);
    });
    expect(found).toEqual({ answer: '1: 1', sizes: [1, 2] });
  });

  test('is stored before it is answered while an alarm works', async () => {
    const found = await inObject(async (storage) => {
      const group = open(storage, nowSeconds() + 60);
      await group.submit(deciding(first), 'refused');
      const during: unknown[] = [];
      await group.rearm(async () => {
        during.push(await defer(storage, group));
      });
      return during;
    });
    expect(found).toEqual([{ answer: '1: 1', sizes: [1, 2] }]);
  });
});
