import { runInDurableObject } from 'cloudflare:test';
import { describe, expect, test } from 'vitest';
import { type Noun, put, remove, type Write } from '../../../durable-objects/store/noun.ts';
import { openOverlay } from '../../../durable-objects/store/overlay.ts';
import type { Query } from '../../../durable-objects/store/query.ts';
import { openDisk } from '../../../durable-objects/store/open-disk.ts';
import { randomHex, stubOf } from '../support.ts';

type Thing = {
  readonly id: string | number;
  readonly mixed: string | number | null;
  readonly count: number | null;
};
type Fields = 'mixed' | 'count';

const THING: Noun<Thing, Fields> = {
  name: 'thing',
  key: ({ id }) => id,
  encode: JSON.stringify,
  decode: (text) => JSON.parse(text) as Thing,
  fields: { mixed: ({ mixed }) => mixed, count: ({ count }) => count },
};

const inObject = <T>(work: (storage: DurableObjectStorage) => T | Promise<T>): Promise<T> =>
  runInDurableObject(stubOf(randomHex(20)), (_, { storage }) => work(storage));

const journalOf = ({ sql }: DurableObjectStorage): string =>
  sql.exec<{ sql: string }>(`SELECT sql FROM sqlite_master WHERE name = 'journal'`).one().sql;

/** Random numbers from 0 to 1, the same in every run (mulberry32). */
const openRandom = (seed: number): (() => number) => {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
};

describe('the disk of an object', () => {
  test('reads the same before and after the writes of a group are on it', async () => {
    const random = openRandom(15);
    const pick = <T>(all: readonly T[]): T => all[Math.floor(random() * all.length)] as T;
    const ids = [1, 2, 9, 10, 'a', 'b', 'A', '10', '0x1'];
    const change = (): Write => {
      const id = pick(ids);
      const mixed = pick([null, 0, 1, 5, 10, -1, 'x', 'y', '10']);
      return random() < 0.3
        ? remove(THING, id)
        : put(THING, { id, mixed, count: pick([null, 0, 1, 5]) });
    };
    const query = (): Query<Fields> => ({
      ...(random() < 0.7
        ? {
            where: [
              [
                pick(['mixed', 'count', 'key'] as const),
                pick(['=', '<', '<=', '>', '>='] as const),
                pick([0, 1, 5, 10, 'x', 'a', '10']),
              ],
            ],
          }
        : {}),
      ...(random() < 0.4 ? { highest: [pick(['mixed', 'count'] as const)] } : {}),
      ...(random() < 0.5 ? { limit: 1 + Math.floor(random() * 4) } : {}),
    });

    const differing = await inObject((storage) => {
      const disk = openDisk(storage);
      return Array.from({ length: 150 }, () => {
        disk.write(Array.from({ length: 4 }, change));
        const overlay = openOverlay(disk, Array.from({ length: Math.floor(random() * 5) }, change));
        const queries = Array.from({ length: 20 }, query);
        const read = (from: typeof overlay | typeof disk): readonly string[] => [
          ...ids.map((id) => JSON.stringify([id, from.get(THING, id)])),
          ...queries.map((each) => JSON.stringify([each, [...from.find(THING, each)]])),
          ...queries.map((each) => JSON.stringify([each, from.count(THING, each)])),
        ];
        const before = read(overlay);
        disk.write(overlay.writes());
        const after = read(disk);
        return before.filter((text, at) => text !== after[at]);
      }).flat();
    });

    expect(differing).toEqual([]);
  });

  test('stores a group of several megabytes, and reads it after a restart', async () => {
    const things = await inObject((storage) => {
      const big = {
        ...THING,
        encode: (thing: Thing) => JSON.stringify({ ...thing, pad: '\u20ac'.repeat(300_000) }),
      };
      const all = Array.from({ length: 8 }, (_, id) => ({ id, mixed: 'x', count: id }));
      openDisk(storage).write(all.map((thing) => put(big, thing)));
      return [...openDisk(storage).find(THING)].map(({ count }) => count);
    });

    expect(things).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  });

  test('keeps an ended value whose time no column can hold', async () => {
    const found = await inObject((storage) => {
      const ended = { ...THING, forgetAt: () => 2 ** 256 };
      const disk = openDisk(storage);
      const big = {
        ...ended,
        encode: (thing: Thing) => JSON.stringify({ ...thing, pad: 'x'.repeat(300_000) }),
      };
      for (let id = 0; id < 5; id += 1) disk.write([put(big, { id, mixed: 1, count: id })]);
      const pages = storage.sql.exec('SELECT count(*) AS count FROM page').one()['count'];
      const read = openDisk(storage);
      return { pages, counts: [0, 1, 2, 3, 4].map((id) => read.get(ended, id)?.count) };
    });

    expect(found).toEqual({ pages: 4, counts: [0, 1, 2, 3, 4] });
  });

  test('writes no more once the object has replaced it', async () => {
    const found = await inObject((storage) => {
      const thing = { id: 'a', mixed: 1, count: 1 };
      const old = openDisk(storage);
      old.write([put(THING, thing)]);
      old.close();
      expect(() => old.write([put(THING, { ...thing, count: 2 })])).toThrow('replaced');
      return openDisk(storage).get(THING, 'a');
    });

    expect(found).toEqual({ id: 'a', mixed: 1, count: 1 });
  });

  test('does not exist because the runtime stores an alarm', async () => {
    const exists = await inObject(async (storage) => {
      await storage.setAlarm(Date.now() + 86_400_000);
      await storage.sync();
      return openDisk(storage).exists();
    });

    expect(exists).toBe(false);
  });

  test('stores nothing of a group that one value breaks, nor its tables', async () => {
    const broken = {
      ...THING,
      encode: () => {
        throw new Error('not storable');
      },
    };

    const found = await inObject((storage) => {
      const disk = openDisk(storage);
      const thing = { id: 'a', mixed: 1, count: 1 };
      expect(() => disk.write([put(THING, thing), put(broken, thing)])).toThrow('not storable');
      const left = { exists: disk.exists(), things: [...disk.find(THING)] };
      disk.write([put(THING, thing)]);
      return { left, after: [...disk.find(THING)] };
    });

    expect(found).toEqual({
      left: { exists: false, things: [] },
      after: [{ id: 'a', mixed: 1, count: 1 }],
    });
  });

  test.each(['', '/* version 0 */', '/* version 11 */'])(
    'refuses tables of another version, and changes nothing: %s',
    async (version) => {
      await inObject((storage) => {
        openDisk(storage).write([put(THING, { id: 1, mixed: 1, count: 1 })]);
        const own = journalOf(storage);
        const other = own.replace(/\/\* version \d+ \*\//, version);
        storage.sql.exec(`DROP TABLE journal; ${other}`);
        expect(() => openDisk(storage)).toThrow('Deploy the release that wrote them.');
        expect(journalOf(storage)).toBe(other);
        storage.sql.exec(`DROP TABLE journal; ${own}`);
        expect(openDisk(storage).exists()).toBe(false);
      });
    },
  );
});
