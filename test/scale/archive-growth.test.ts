import { beforeEach, expect, inject, it } from 'vitest';
import { runArchive } from '../../src/audit/archive/run-archive.ts';
import {
  bucket,
  count,
  DAY,
  freshArchive,
  MIDNIGHT,
  openChains,
  openDeps,
} from '../unit/audit/archive/archive-world.ts';
import { db } from '../unit/audit/database.ts';
import { accepted, accountOf, committed, settled } from '../unit/audit/history.ts';

/** `npm run properties` simulates 20,000 calls. */
const SCALE = inject('thorough')
  ? { calls: 20_000, accounts: 20, chunk: 10 }
  : { calls: 1_600, accounts: 8, chunk: 5 };

const DAYS = 20;
/** Days that D1 keeps: the simulated time is shorter than the default. */
const RETAIN = 4;

beforeEach(freshArchive);

it('D1 stops growing while calls go on', { timeout: 3_600_000 }, async () => {
  const { deps } = openDeps(RETAIN);
  const chains = openChains();
  const sizes: number[] = [];
  const runs: number[] = [];
  const perDay = SCALE.calls / DAYS / SCALE.accounts;
  let call = 0;
  for (let day = 0; day < DAYS; day += 1) {
    for (let account = 0; account < SCALE.accounts; account += 1) {
      for (let done = 0; done < perDay; done += SCALE.chunk) {
        const at = MIDNIGHT + day * DAY + Math.floor((done / perDay) * 80_000);
        const bodies = Array.from({ length: SCALE.chunk }, () => {
          call += 1;
          return [accepted(call, at), committed(call, at + 1), settled(call, at + 9)];
        });
        await chains.store(accountOf(account), bodies.flat(), at + 10);
      }
    }
    chains.written.clear();
    const now = MIDNIGHT + (day + 1) * DAY + 3_600;
    for (let run = 0; run < 96; run += 1) {
      const before = await state();
      const started = performance.now();
      await runArchive(deps, now + run * 900);
      runs.push(performance.now() - started);
      if (before === (await state())) break;
    }
    const { meta } = await db.prepare('SELECT 1').run();
    sizes.push(meta.size_after);
  }
  const { objects } = await bucket.list();
  const archived = objects.reduce((sum, { size }) => sum + size, 0);
  const steady = sizes[Math.ceil(DAYS / 2)] as number;
  console.log(
    JSON.stringify({
      ...{ calls: call, d1: sizes, left: await count('calls') },
      archivedBytesPerCall: Math.round((archived / call) * (DAYS / (DAYS - 1))),
      indexBytesPerCall: Math.round(((sizes.at(-1) as number) - steady) / (call / 2)),
      ...{ objects: objects.length, longestRunMs: Math.round(Math.max(...runs)) },
    }),
  );
  expect(await count('calls')).toBe((SCALE.calls / DAYS) * RETAIN);
  // The roll-ups and the index of the archive stay: a few bytes a call.
  expect((sizes.at(-1) as number) - steady).toBeLessThan((call / 2) * 60);
  expect(sizes.at(-1)).toBeLessThan(1.3 * steady);
});

/** Changes while a run does something. */
const state = async (): Promise<string> =>
  JSON.stringify([
    await count('archive_objects'),
    await count('archived_calls'),
    await count('chunks'),
    await db.prepare('SELECT * FROM archive_progress').first(),
  ]);
