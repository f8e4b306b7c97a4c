import { beforeEach, expect, it, vi } from 'vitest';
import type { ArchiveDeps } from '../../../../src/audit/archive/archive-deps.ts';
import { runArchive } from '../../../../src/audit/archive/run-archive.ts';
import { isStored } from '../../../../src/audit/archive/store-object.ts';
import type { Hex } from '../../../../src/core/hex.ts';
import { db } from '../database.ts';
import { accepted, committed, settled } from '../history.ts';
import {
  ANN,
  BOB,
  bucket,
  count,
  DAY,
  freshArchive,
  MIDNIGHT,
  objectsIn,
  openChains,
  openDeps,
} from './archive-world.ts';

beforeEach(async () => {
  await freshArchive();
  vi.spyOn(console, 'error').mockImplementation(() => {});
});

const RETAIN = 3;
/** The cron trigger runs every 15 minutes. */
const CRON = 900;
const away = async (): Promise<never> => Promise.reject(new Error('R2 is away.'));

/** Ways in which R2 fails. Each replaces only the methods that it names. */
const FAILURES: readonly Partial<R2Bucket>[] = [
  { put: away, head: away, list: away, get: away },
  // R2 stores the object, but its answer is lost.
  { put: async (...given) => (await bucket.put(...(given as [string, Uint8Array])), away()) },
  // R2 stores half an object, which no reader may accept as complete.
  {
    put: async (name, body) => {
      const whole = body as Uint8Array;
      await bucket.put(name, whole.slice(0, Math.floor(whole.length / 2)));
      return away();
    },
  },
  { head: away },
  { list: away },
];

const failing = (failure: Partial<R2Bucket>): R2Bucket =>
  new Proxy(bucket, {
    get: (target, name) => {
      const failed = Reflect.get(failure, name) as unknown;
      if (failed !== undefined) return failed;
      const value = Reflect.get(target, name) as unknown;
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });

/** Accounts that continue to pay. Each call ends at once, so that the archive may move it when it is old enough. */
const openLoad = () => {
  const chains = openChains();
  let calls = 0;
  return {
    chains,
    sell: async (at: number): Promise<void> => {
      for (const account of [BOB, ANN]) {
        calls += 1;
        await chains.store(
          account,
          [accepted(calls, at), committed(calls, at + 1), settled(calls, at + 9)],
          at + 10,
        );
      }
    },
  };
};

it.each([
  ['everything', FAILURES[0]],
  ['the answers of writes', FAILURES[1]],
  ['writes halfway', FAILURES[2]],
  ['the confirmations', FAILURES[3]],
  ['the lists', FAILURES[4]],
])(
  'an hour in which R2 loses %s: D1 deletes nothing, one alert is raised, and the first run afterwards catches up',
  async (_, failure = {}) => {
    const { chains, sell } = openLoad();
    for (let day = 0; day < 5; day += 1)
      for (const hour of [1, 13]) await sell(MIDNIGHT + day * DAY + hour * 3_600);
    const { deps, alerts } = openDeps(RETAIN);
    const clean: ArchiveDeps = deps;
    // Earlier days have been copied and deleted as usual. From now on, one day is due each day.
    for (let day = 1; day < 5; day += 1) await runArchive(clean, MIDNIGHT + day * DAY + 3_600);
    const before = { chunks: await count('chunks'), calls: await count('calls') };
    expect(before.chunks).toBeLessThan(20);
    const from = MIDNIGHT + 5 * DAY + 3_600;
    for (let run = 0; run < 4; run += 1) {
      const now = from + run * CRON;
      await runArchive({ ...deps, bucket: failing(failure) }, now);
      await sell(now + 60);
      const sold = 2 * (run + 1);
      expect([await count('chunks'), await count('calls')]).toEqual([
        before.chunks + sold,
        before.calls + sold,
      ]);
    }
    expect(alerts).toEqual([{ rule: 'archive', detail: { kind: 'unavailable', since: from } }]);
    for (let run = 4; run < 8; run += 1) await runArchive(clean, from + run * CRON);
    expect(alerts).toHaveLength(1);
    expect(await count('chunks')).toBeLessThan(before.chunks + 8);
    // Every entry is in D1, in a complete object, or in both, and in no two objects.
    const { results } = await db
      .prepare('SELECT name, sha256, bytes FROM archive_objects')
      .all<{ readonly name: string; readonly sha256: Hex; readonly bytes: number }>();
    const known = await Promise.all(results.map(async (object) => isStored(bucket, object)));
    expect(known).toEqual(results.map(() => true));
    const objects = await objectsIn('day=');
    expect([...objects.keys()].toSorted()).toEqual(results.map(({ name }) => name).toSorted());
    const lines = [...objects.values()].flat() as { account: string; seq: number }[];
    for (const account of [ANN, BOB]) {
      const written = chains.written.get(account) ?? [];
      const own = lines.filter((line) => line.account === account);
      expect(own.toSorted((one, other) => one.seq - other.seq)).toEqual(
        written.slice(0, own.length),
      );
      // Five days, with two calls of three entries each.
      expect(own).toHaveLength(30);
    }
    const moved = [...(await objectsIn('calls/')).values()].flat() as { call: string }[];
    expect(new Set(moved.map(({ call }) => call)).size).toBe(moved.length);
    expect(moved.length + (await count('calls'))).toBe(28);
  },
);
