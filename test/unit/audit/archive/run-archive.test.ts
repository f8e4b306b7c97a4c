import { beforeEach, describe, expect, it } from 'vitest';
import { archiveCalls } from '../../../../src/audit/archive/archive-calls.ts';
import { copyChunks } from '../../../../src/audit/archive/copy-chunks.ts';
import { loadProgress } from '../../../../src/audit/archive/progress.ts';
import { runArchive } from '../../../../src/audit/archive/run-archive.ts';
import { isStored } from '../../../../src/audit/archive/store-object.ts';
import { dayOf } from '../../../../src/audit/day.ts';
import { loadStoredHead } from '../../../../src/audit/stored-chain.ts';
import type { Hex } from '../../../../src/core/hex.ts';
import type { AccountId } from '../../../../src/protocol/account-id.ts';
import { attemptsIn } from '../../../../src/settlement/operator-tables.ts';
import { db, isUnchanged, nameLists, rows } from '../database.ts';
import { accepted, accountOf, committed, kept } from '../history.ts';
import {
  ANN,
  BOB,
  bucket,
  count,
  DAY,
  freshArchive,
  MIDNIGHT,
  objectsIn,
  openDeps,
  settledCalls,
} from './archive-world.ts';

const CAT = accountOf(3);

beforeEach(freshArchive);

const threeDays = () => settledCalls(3);

const nameless = (day: number): string => `day=${dayOf(MIDNIGHT + day * DAY)}/0001-`;

describe('the archive', () => {
  it('copies each day that has ended into one object, by account and seq, and D1 keeps its chunks', async () => {
    const chains = await threeDays();
    const { deps, recorded, alerts } = openDeps();
    await runArchive(deps, MIDNIGHT + 2 * DAY + 3_600);
    const objects = await objectsIn('');
    expect([...objects.keys()].map((name) => name.slice(0, 20))).toEqual([
      nameless(0),
      nameless(1),
    ]);
    const all = [...objects.values()].flat() as { account: AccountId; seq: number }[];
    for (const account of [ANN, BOB])
      expect(all.filter((entry) => entry.account === account)).toEqual(
        chains.written.get(account)?.slice(0, 6),
      );
    expect(all.slice(0, 6).map(({ account, seq }) => `${account} ${seq}`)).toEqual(
      [ANN, BOB].flatMap((account) => [1, 2, 3].map((seq) => `${account} ${seq}`)),
    );
    expect(await count('chunks')).toBe(12);
    expect([...recorded.values()].map(({ name }) => name)).toEqual([...objects.keys()]);
    expect(alerts).toEqual([]);
  });

  it('waits until a day has ended for every isolate', async () => {
    await threeDays();
    await runArchive(openDeps().deps, MIDNIGHT + DAY + 3_599);
    expect(await objectsIn('')).toEqual(new Map());
  });

  it('writes an object a day, however often it runs', async () => {
    await threeDays();
    const { deps, recorded } = openDeps();
    for (let run = 0; run < 4; run += 1) await runArchive(deps, MIDNIGHT + 3 * DAY + 3_600 + run);
    expect((await objectsIn('')).size).toBe(3);
    expect(recorded.size).toBe(3);
  });

  it('continues a day in the next part where an object is full', async () => {
    const chains = await threeDays();
    const { deps } = openDeps();
    const now = MIDNIGHT + 3 * DAY + 3_600;
    for (let step = 0; step < 20; step += 1) {
      const progress = await loadProgress(db);
      if (progress === undefined || progress.day === dayOf(MIDNIGHT + 3 * DAY)) break;
      await copyChunks(deps, progress, now, 600);
    }
    const objects = await objectsIn('');
    expect(objects.size).toBeGreaterThan(3);
    const all = [...objects.values()].flat() as { account: AccountId; seq: number }[];
    expect(all.length).toBe(18);
    for (const account of [ANN, BOB])
      expect(all.filter((entry) => entry.account === account)).toEqual(chains.written.get(account));
  });

  it('deletes old chunks from D1, and the chain goes on from its watermark', async () => {
    const chains = await threeDays();
    const { deps } = openDeps(31);
    await runArchive(deps, MIDNIGHT + 3 * DAY + 3_600);
    expect(await count('chunks')).toBe(12);
    await runArchive(deps, MIDNIGHT + 33 * DAY + 60);
    expect(await count('chunks')).toBe(4);
    await runArchive(deps, MIDNIGHT + 34 * DAY + 60);
    expect(await count('chunks')).toBe(0);
    expect((await loadStoredHead(db, ANN)).head.seq).toBe(9);
    await chains.store(ANN, [accepted(99, MIDNIGHT + 34 * DAY)], MIDNIGHT + 34 * DAY + 61);
    expect(await count('chunks')).toBe(1);
  });

  it('keeps the object that its row names when two runs write the same part', async () => {
    await threeDays();
    const { deps } = openDeps(31);
    const now = MIDNIGHT + 40 * DAY;
    await runArchive(deps, now, { calls: 0 });
    let isFirst = true;
    const late = new Proxy(bucket, {
      get: (target, name) => {
        if (name !== 'put') return Reflect.get(target, name) as unknown;
        return async (...given: Parameters<R2Bucket['put']>) => {
          // The other run moves more calls and ends before this run writes.
          if (isFirst) await archiveCalls(deps, now, 2);
          isFirst = false;
          return target.put(...given);
        };
      },
    });
    await archiveCalls({ ...deps, bucket: late }, now, 1).catch(() => 0);
    const { results } = await db
      .prepare('SELECT name, sha256, bytes FROM archived_calls')
      .all<{ name: string; sha256: `0x${string}`; bytes: number }>();
    expect(results).toHaveLength(1);
    for (const object of results) expect(await isStored(bucket, object)).toBe(true);
  });

  it('moves ended calls to R2, and keeps calls that wait', async () => {
    const chains = await threeDays();
    const at = MIDNIGHT + 120;
    await chains.store(CAT, [accepted(50, at), committed(50, at + 1)], at + 2);
    await chains.store(CAT, [accepted(51, at), kept(51, 'credit', at + 90)], at + 91);
    await chains.store(CAT, [accepted(52, at)], at + 92);
    const before = await rows('calls');
    // Settlement attempts for a call that moves and for one that stays.
    const attempts = [ANN, CAT].flatMap((account) => {
      const call = before.find((row) => row['account'] === account)?.['call'] as Hex;
      return [1, 2].map((number) => ({ account, call, attempts: number, at }));
    });
    await attemptsIn(db).record(attempts);
    const { deps } = openDeps(31);
    await nameLists();
    await runArchive(deps, MIDNIGHT + 40 * DAY);
    expect(await isUnchanged()).toBe(false);
    const calls = await objectsIn('calls/');
    expect([...calls.keys()].map((name) => name.replace(/[0-9a-f]{16}\.ndjson\.gz$/, ''))).toEqual(
      [0, 1, 2].map((day) => `calls/day=${dayOf(MIDNIGHT + day * DAY)}/0001-`),
    );
    const moved = [...calls.values()].flat() as { account: AccountId }[];
    expect(moved).toEqual(before.filter(({ account }) => account !== CAT));
    expect((await rows('calls')).map(({ account }) => account)).toEqual([CAT, CAT, CAT]);
    const stayed = await db.prepare('SELECT account FROM attempts').all();
    expect(stayed.results).toEqual([{ account: CAT }, { account: CAT }]);
    expect(await count('spend')).toBeGreaterThan(0);
    const { results } = await db
      .prepare('SELECT day, line, count, amount, others FROM archived_books ORDER BY day')
      .all();
    expect(results).toEqual(
      [0, 1, 2].map((day) => ({
        ...{ day: dayOf(MIDNIGHT + day * DAY), line: 'settled', count: 2, amount: 40_000 },
        others: expect.any(Number),
      })),
    );
  });

  it('leaves a call in D1 that changes while it is moved', async () => {
    await threeDays();
    const { deps } = openDeps(31);
    const racing = {
      ...deps,
      bucket: intercepted(bucket, {
        put: async () => {
          await db.prepare('UPDATE calls SET seq = seq + 1 WHERE account = ?1').bind(ANN).run();
        },
      }),
    };
    const [first] = await rows('calls');
    await attemptsIn(db).record([
      { account: ANN, call: first?.['call'] as Hex, attempts: 1, at: MIDNIGHT },
    ]);
    await runArchive(deps, MIDNIGHT + 3 * DAY + 3_600);
    await runArchive(racing, MIDNIGHT + 40 * DAY, { calls: 1 });
    expect(await count('calls')).toBe(6);
    expect(await count('attempts')).toBe(1);
    expect(await count('archived_books')).toBe(0);
  });
});

/** Wraps a method of an object to run something before it. */
const intercepted = <T extends object>(
  target: T,
  before: Readonly<Record<string, () => Promise<void>>>,
): T =>
  new Proxy(target, {
    get: (object, name) => {
      const value = Reflect.get(object, name) as unknown;
      if (typeof value !== 'function') return value;
      return async (...given: unknown[]) => {
        await before[String(name)]?.();
        return await (value as (...given: unknown[]) => unknown).apply(object, given);
      };
    },
  });

describe('while R2 fails', () => {
  const away = async (): Promise<never> => {
    throw new Error('R2 is away.');
  };
  const withoutR2 = () => {
    const opened = openDeps(31);
    const broken = intercepted(bucket, { put: away, head: away, list: away, get: away });
    return { ...opened, broken: { ...opened.deps, bucket: broken } };
  };

  it('nothing is deleted, one alert is raised, and the next run goes on', async () => {
    await threeDays();
    const { deps, broken, alerts } = withoutR2();
    const now = MIDNIGHT + 40 * DAY;
    for (let run = 0; run < 4; run += 1) await runArchive(broken, now + run * 900);
    expect(await count('chunks')).toBe(12);
    expect(await count('calls')).toBe(6);
    expect(alerts).toEqual([{ rule: 'archive', detail: { kind: 'unavailable', since: now } }]);
    await runArchive(deps, now + 3_600);
    expect([...(await objectsIn('day=')).values()].flat().length).toBe(18);
    expect(await count('chunks')).toBe(0);
    await runArchive(broken, now + 90 * DAY);
    expect(alerts.length).toBe(1);
  });

  it('copied days stay in D1 until R2 confirms them', async () => {
    await threeDays();
    const { deps, broken } = withoutR2();
    await runArchive(deps, MIDNIGHT + 3 * DAY + 3_600);
    await runArchive(broken, MIDNIGHT + 40 * DAY);
    expect(await count('chunks')).toBe(12);
  });
});

it('keeps the chunks of an object that R2 lost or changed, and says so', async () => {
  await threeDays();
  const { deps, alerts } = openDeps(31);
  await runArchive(deps, MIDNIGHT + 3 * DAY + 3_600);
  const [first, second] = [...(await objectsIn('day=')).keys()] as [string, string];
  await bucket.delete(first);
  await bucket.put(second, 'other bytes');
  await runArchive(deps, MIDNIGHT + 40 * DAY);
  expect(alerts).toEqual([
    { rule: 'archive', detail: { kind: 'missing', object: first } },
    { rule: 'archive', detail: { kind: 'missing', object: second } },
  ]);
  expect(await count('chunks')).toBe(12);
});

describe('D1 restored to a time before it was archived', () => {
  const forget = () =>
    db.batch(
      ['archive_objects', 'archived_ranges', 'archive_progress'].map((table) =>
        db.prepare(`DELETE FROM ${table}`),
      ),
    );

  it('gives the same objects again', async () => {
    await threeDays();
    const { deps, alerts } = openDeps();
    await runArchive(deps, MIDNIGHT + 3 * DAY + 3_600);
    const before = await objectsIn('');
    await forget();
    await runArchive(deps, MIDNIGHT + 4 * DAY);
    expect(await objectsIn('')).toEqual(before);
    expect(alerts).toEqual([]);
  });

  it('writes other chunks beside the old object, and says so', async () => {
    const chains = await threeDays();
    const { deps, alerts } = openDeps();
    await runArchive(deps, MIDNIGHT + 3 * DAY + 3_600);
    const before = await objectsIn('');
    await forget();
    await chains.store(CAT, [accepted(70, MIDNIGHT)], MIDNIGHT + 5);
    await runArchive(deps, MIDNIGHT + 4 * DAY);
    const after = await objectsIn('');
    expect(after.size).toBe(before.size + 1);
    for (const [name, lines] of before) expect(after.get(name)).toEqual(lines);
    const [old] = before.keys();
    expect(alerts).toEqual([
      { rule: 'archive', detail: { kind: 'differs', object: expect.any(String), other: old } },
    ]);
  });
});
