import { afterEach, beforeEach, expect, inject, test, vi } from 'vitest';
import { COUNT_NAMES, NAMED, written } from '../../dev/cost/count-table.ts';
// oxlint-disable-next-line import/default -- Vite gives the text of a file as its default export
import page from '../../docs/cost.md?raw';
import { nowSeconds } from '../../src/core/clock.ts';
import { freshDatabase } from '../unit/audit/database.ts';
import { AT_ONCE, type Counts, perCall } from './counts.ts';
import { openPayer } from './payer.ts';

beforeEach(freshDatabase);

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

/** Payments are settled and exported after this long, and their payer is not asked about again before ten minutes are over. */
const SETTLED = 60;

/** One call after a day of silence, then so many at once; until the account has forgotten them all. */
const countOf = async (atOnce: number): Promise<Counts> => {
  const { world, account, call } = await openPayer();
  const before = world.meter.counts();
  await call(1);
  await world.until(account, nowSeconds() + SETTLED);
  if (atOnce > 0) await call(atOnce);
  await world.until(account, Infinity);
  return perCall(world.meter.counts(), before, 1);
};

/** How calls group depends on the machine, a little: by a fifth, or by two of all calls. */
const expectNear = (said: number, counted: number, why: string): void => {
  const most = Math.max(counted / 5, 2 / AT_ONCE);
  expect.soft(said, why).toBeGreaterThanOrEqual(counted - most);
  expect.soft(said, why).toBeLessThanOrEqual(counted + most);
};

test('what a paid call is billed for', async ({ task }) => {
  const alone = await countOf(0);
  await freshDatabase();
  // What the first one costs is taken off.
  const atOnce = perCall(await countOf(AT_ONCE), alone, AT_ONCE);
  // Design §5, and STORAGE.md.
  expect(alone.objectWritten).toBeLessThanOrEqual(10);
  expect(atOnce.objectWritten).toBeLessThan(5);
  expect(alone).toMatchObject({ finish: 1, settled: 1, exported: 1, lines: 0 });
  expect(alone).toMatchObject({ settlementMessages: 1, auditMessages: 1, operations: 6 });
  task.meta.counts = { alone, atOnce };

  // Whoever counts to write the page anew must not fail over what it says.
  if ((inject('options') as string | undefined) !== undefined) return;
  const table = page.slice(page.indexOf('<!-- counts-start -->'));
  for (const name of NAMED) {
    const row = table.split('\n').find((line) => line.startsWith(`| ${COUNT_NAMES[name]} |`));
    const [one = NaN, of32 = NaN] = row?.split('|').slice(2, 4).map(Number) ?? [];
    const why = `docs/cost.md, ${name}: npm run cost -- --write`;
    // Reads cost next to nothing, and depend on what else a table holds.
    if (name === 'objectRead' || name === 'databaseRead') expectNear(one, alone[name], why);
    else expect.soft(one, why).toBe(Number(written(alone[name])));
    expectNear(of32, atOnce[name], why);
  }
});
