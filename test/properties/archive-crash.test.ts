import { describe, expect, inject, it } from 'vitest';
import { runArchive } from '../../src/audit/archive/run-archive.ts';
import type { AccountId } from '../../src/protocol/account-id.ts';
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
} from '../unit/audit/archive/archive-world.ts';
import { db } from '../unit/audit/database.ts';

/** A run makes 47 writes. A crash at each of them takes two minutes, so only `npm run properties` tests them all. */
const STEP = inject('thorough') ? 1 : 5;
const MOST_WRITES = 100;

describe('a run of the archive that dies', () => {
  const NOW = MIDNIGHT + 40 * DAY;

  /** Crashes the archive at its nth write, before or after the write. @returns whether it crashed */
  const dieAt = async (nth: number, isAfter: boolean, opened: ReturnType<typeof openDeps>) => {
    let writes = 0;
    const counting = <T extends object>(target: T, names: readonly string[]): T =>
      new Proxy(target, {
        get: (object, name) => {
          const value = Reflect.get(object, name) as unknown;
          if (typeof value !== 'function') return value;
          return (...given: unknown[]) => {
            const call = (): unknown => {
              const made = (value as (...given: unknown[]) => unknown).apply(object, given);
              return isStatement(made) ? counting(made, ['run']) : made;
            };
            if (!names.includes(String(name))) return call();
            writes += 1;
            if (writes < nth) return call();
            if (writes > nth || !isAfter) return Promise.reject(new Error('died'));
            return Promise.resolve(call()).then(() => Promise.reject(new Error('died')));
          };
        },
      });
    const { deps } = opened;
    const dying = {
      ...deps,
      db: counting(db, ['batch', 'run']),
      bucket: counting(bucket, ['put']),
    };
    await runArchive(dying, NOW).catch(() => undefined);
    return writes >= nth;
  };

  const isStatement = (made: unknown): made is D1PreparedStatement =>
    typeof made === 'object' && made !== null && 'bind' in made && 'all' in made;

  const outcome = async () => ({
    objects: [...(await objectsIn(''))].map(([name, lines]) => [name.slice(0, 25), lines]),
    ranges: (await db.prepare('SELECT account, first_seq, last_seq FROM archived_ranges').all())
      .results,
    books: (await db.prepare('SELECT * FROM archived_books').all()).results,
    left: await Promise.all(['chunks', 'calls'].map(count)),
  });

  it('loses nothing and repeats nothing, wherever it died', async () => {
    for (const isAfter of [false, true]) {
      for (let nth = isAfter ? 3 : 1; ; nth += STEP) {
        await freshArchive();
        const chains = await settledCalls(1);
        const opened = openDeps(31);
        const died = await dieAt(nth, isAfter, opened);
        await runArchive(opened.deps, NOW + 900);
        const { objects, ranges, books, left } = await outcome();
        const lines = objects.flatMap(([, some]) => some) as { account: AccountId; seq: number }[];
        for (const account of [ANN, BOB])
          expect(
            lines.filter(
              (line) => line.account === account && !('call' in line && 'state' in line),
            ),
          ).toEqual(chains.written.get(account));
        expect(objects.length).toBe(2);
        expect(ranges.length).toBe(2);
        expect(books.length).toBe(1);
        expect(left).toEqual([0, 0]);
        expect(opened.recorded.size).toBe(1);
        if (!died) break;
        expect(nth).toBeLessThan(MOST_WRITES);
      }
    }
  });
});
