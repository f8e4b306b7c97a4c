import { expect, test } from 'vitest';
import { faultsOf } from '../../dev/chaos/report-database-outage.ts';
import { runDatabaseOutage } from './outage/run-database-outage.ts';

/** `npm run chaos -- --outage 600 --away database --rate 20` runs the full size. */
test('while D1 is gone calls go on and accounts keep their entries; afterwards each is stored once and in order', async () => {
  const payers = 6;
  const figures = await runDatabaseOutage({ seconds: 8, rate: 15, payers, print: () => {} });
  expect(faultsOf(figures)).toEqual([]);
  // Each payer calls more than once, even on a slow machine.
  expect(figures.duringOutage).toBeGreaterThan(payers);
  // The database stores nothing during an outage. Fewer kept entries would mean that there was none.
  expect(figures.kept.all).toBeGreaterThanOrEqual(figures.duringOutage);
  expect(figures.alerts).toBe(1);
}, 300_000);
