import { createExecutionContext, createMessageBatch, getQueueResult } from 'cloudflare:test';
import { beforeEach, expect, inject, it } from 'vitest';
import { runArchive } from '../../src/audit/archive/run-archive.ts';
import { consumeAudit } from '../../src/audit/consumer.ts';
import { splitRun } from '../../src/audit/chunk.ts';
import type { Seconds } from '../../src/core/clock.ts';
import { watchSize } from '../../src/worker/scheduled.ts';
import {
  bucket,
  count,
  DAY,
  freshArchive,
  MIDNIGHT,
  openDeps,
} from '../unit/audit/archive/archive-world.ts';
import { listeners } from '../unit/audit/consumer-fixture.ts';
import { db } from '../unit/audit/database.ts';
import { accountOf } from '../unit/audit/history.ts';
import { callLikeReal, openWriters } from './real-calls.ts';

/**
 * `COUNTERSIGN_THOROUGH=1` stores 200,000 calls in 20 days. `chunk`: number of calls that an account exports at once. Each day has `parts`
 * objects of up to 2,000 calls, and `ranges` of 1 MiB of text for each account.
 */
const SCALE = inject('thorough')
  ? { days: 20, calls: 200_000, accounts: 20, chunk: 10, parts: 5, ranges: 3 }
  : { days: 12, calls: 480, accounts: 4, chunk: 5, parts: 1, ranges: 1 };

const DAYS = SCALE.days;
/** Days that D1 keeps. The simulated time is shorter than the default of the setting. */
const RETAIN = 4;
/** A hundredth of the largest size of a D1 database (10 GB), because the test stores a hundredth of the calls. */
const SCALED_LIMIT = 100_000_000;

/** Rows of each day that D1 keeps for good: the roll-ups, and the index of the objects in R2. */
const KEPT_A_DAY = {
  archive_objects: 1,
  archived_books: 1,
  archived_calls: SCALE.parts,
  archived_ranges: SCALE.accounts * SCALE.ranges,
  // One row for each account, and one for the gateway.
  spend: SCALE.accounts + 1,
};

beforeEach(freshArchive);

it('D1 stops growing while calls go on', { timeout: 3_600_000 }, async () => {
  const { deps, alerts } = openDeps(RETAIN);
  const append = openWriters();
  const days: { readonly d1: number; readonly seconds: number }[] = [];
  const runs: number[] = [];
  const rows: Readonly<Record<string, number>>[] = [];
  let stored = 0;
  for (let day = 0; day < DAYS; day += 1) {
    const began = performance.now();
    for (const { account, at, calls } of exportsOf(day)) {
      const entries = append(
        account,
        Array.from({ length: calls }, () => callLikeReal(account, at)).flat(),
      );
      const messages = splitRun(entries);
      stored += messages.reduce((sum, { body }) => sum + body.byteLength, 0);
      await deliver(messages, at + 10);
    }
    const now = MIDNIGHT + (day + 1) * DAY + 3_600;
    for (let run = 0; run < 96; run += 1) {
      const before = await state();
      const started = performance.now();
      await runArchive(deps, now + run * 900);
      runs.push(performance.now() - started);
      if (before === (await state())) break;
    }
    await watchSize(db, SCALED_LIMIT, deps.raise);
    rows.push(await rowsByTable());
    const { meta } = await db.prepare('SELECT 1').run();
    days.push({ d1: meta.size_after, seconds: Math.round((performance.now() - began) / 1_000) });
  }
  const sizes = days.map(({ d1 }) => d1);
  const { objects } = await bucket.list();
  const archived = objects.reduce((sum, { size }) => sum + size, 0);
  const steady = sizes[Math.ceil(DAYS / 2)] as number;
  console.log(
    JSON.stringify({
      ...{ calls: SCALE.calls, days, left: await count('calls') },
      chunkBytesPerCall: Math.round(stored / SCALE.calls),
      archivedBytesPerCall: Math.round((archived / SCALE.calls) * (DAYS / (DAYS - 1))),
      indexBytesPerCall: Math.round(((sizes.at(-1) as number) - steady) / (SCALE.calls / 2)),
      ...{ objects: objects.length, longestRunMs: Math.round(Math.max(...runs)) },
    }),
  );
  // Four of 20 days take 74 % of the limit while calls continue, so the alert at 90 % is never raised.
  expect(alerts.map(({ detail }) => detail['percent'])).not.toContain(90);
  expect(await count('calls')).toBe((SCALE.calls / DAYS) * RETAIN);
  const [steadyRows, lastRows] = [rows[Math.ceil(DAYS / 2)] ?? {}, rows.at(-1) ?? {}];
  const grown = Object.entries(lastRows).flatMap(([table, now]) =>
    now === steadyRows[table] ? [] : [[table, now - (steadyRows[table] ?? 0)]],
  );
  const between = DAYS - 1 - Math.ceil(DAYS / 2);
  expect(Object.fromEntries(grown)).toEqual(
    Object.fromEntries(Object.entries(KEPT_A_DAY).map(([table, each]) => [table, each * between])),
  );
  expect(sizes.at(-1)).toBeLessThan(1.3 * steady);
  // Expects a few bytes per call. With 480 calls, two runs differ by up to eight pages of 4,096 bytes, because random ids split index
  // pages.
  if (inject('thorough')) {
    expect((sizes.at(-1) as number) - steady).toBeLessThan((SCALE.calls / 2) * 60);
  }
});

/** The entries that each account exports on a day, and when. */
const exportsOf = (day: number) => {
  const perDay = SCALE.calls / DAYS / SCALE.accounts;
  return Array.from({ length: SCALE.accounts }, (_, account) =>
    Array.from({ length: perDay / SCALE.chunk }, (_chunk, place) => ({
      account: accountOf(account),
      at: MIDNIGHT + day * DAY + Math.floor(((place * SCALE.chunk) / perDay) * 80_000),
      calls: SCALE.chunk,
    })),
  ).flat();
};

/** Delivers messages to the audit queue's consumer, which must acknowledge all of them. */
const deliver = async (bodies: readonly unknown[], now: Seconds): Promise<void> => {
  const batch = createMessageBatch(
    'countersign-audit',
    bodies.map((body, at) => ({ id: `m${at}`, timestamp: new Date(), attempts: 1, body })),
  );
  const { account } = listeners();
  await consumeAudit(batch, { db, account, projectDocument: () => [] }, now);
  const { explicitAcks } = await getQueueResult(batch, createExecutionContext());
  expect(explicitAcks).toHaveLength(bodies.length);
};

/** A state that changes while a run still works. */
const state = async (): Promise<string> =>
  JSON.stringify([
    await count('archive_objects'),
    await count('archived_calls'),
    await count('chunks'),
    await db.prepare('SELECT * FROM archive_progress').first(),
  ]);

/** Number of rows in each table of the audit database. */
const rowsByTable = async (): Promise<Readonly<Record<string, number>>> => {
  const { results } = await db
    .prepare(
      `SELECT name FROM sqlite_master WHERE type = 'table'
       AND name NOT LIKE 'sqlite%' AND name NOT LIKE '\\_cf%' ESCAPE '\\' ORDER BY name`,
    )
    .all<{ readonly name: string }>();
  return Object.fromEntries(
    await Promise.all(results.map(async ({ name }) => [name, await count(name)] as const)),
  );
};
