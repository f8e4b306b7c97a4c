import { reset } from 'cloudflare:test';
import { afterEach, beforeEach, expect, inject, test, vi } from 'vitest';
import { COUNT_NAMES, NAMED, written } from '../../dev/cost/tables.ts';
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

const DAY = 86_400;
/** Seconds until a payment is settled and exported. Facts about a payer stay fresh for ten minutes. */
const SETTLED = 60;

/** Counts one call after a day without calls, then concurrent calls, until the account has pruned them all. */
const countOf = async (atOnce: number): Promise<Counts> => {
  const { world, account, call } = await openPayer();
  // A gateway's first payment also writes the health of its backend.
  await call(1);
  await world.until(account, Infinity);
  world.set(nowSeconds() + DAY);
  const before = world.meter.counts();
  await call(1);
  await world.until(account, nowSeconds() + SETTLED);
  if (atOnce > 0) await call(atOnce);
  await world.until(account, Infinity);
  return perCall(world.meter.counts(), before, 1);
};

/** Compares with a tolerance of a fifth or of two calls, because how calls share commits depends on the machine. */
const expectNear = (documented: number, counted: number, why: string): void => {
  const most = Math.max(counted / 5, 2 / AT_ONCE);
  expect.soft(documented, why).toBeGreaterThanOrEqual(counted - most);
  expect.soft(documented, why).toBeLessThanOrEqual(counted + most);
};

test('counts the billed operations of a paid call as docs/cost.md lists them', async ({ task }) => {
  const alone = await countOf(0);
  vi.restoreAllMocks();
  // Empties the objects too: otherwise the gateway's account would continue after its last entry.
  await reset();
  await freshDatabase();
  // Subtracts the cost of the first call.
  const atOnce = perCall(await countOf(AT_ONCE), alone, AT_ONCE);
  // The limits that STORAGE.md states.
  expect(alone.objectWritten).toBeLessThanOrEqual(4);
  expect(atOnce.objectWritten).toBeLessThan(0.8);
  expect(alone.databaseWritten).toBeLessThanOrEqual(5);
  expect(atOnce.databaseWritten).toBeLessThanOrEqual(2.5);
  expect(alone).toMatchObject({ finish: 1, settled: 1, exported: 1, lines: 0 });
  expect(alone).toMatchObject({ settlementMessages: 1, auditMessages: 1, operations: 6 });
  task.meta.counts = { alone, atOnce };

  // `npm run cost -- --write` updates the page afterwards, so the old figures must not fail it.
  if ((inject('options') as string | undefined) !== undefined) return;
  const table = page.slice(page.indexOf('<!-- counts-start -->'));
  for (const name of NAMED) {
    const row = table.split('\n').find((line) => line.startsWith(`| ${COUNT_NAMES[name]} |`));
    const [one = NaN, of32 = NaN] = row?.split('|').slice(2, 4).map(Number) ?? [];
    const why = `docs/cost.md, ${name}: npm run cost -- --write`;
    // Reads are cheap and depend on the other rows of a table, so compare them with a tolerance.
    if (name === 'objectRead' || name === 'databaseRead') expectNear(one, alone[name], why);
    else expect.soft(one, why).toBe(Number(written(alone[name])));
    expectNear(of32, atOnce[name], why);
  }
});
