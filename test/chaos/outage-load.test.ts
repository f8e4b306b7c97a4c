import { expect, test } from 'vitest';
import { runOutage } from './outage/run-outage.ts';

/** `npm run chaos -- --outage 60 --rate 100` is the full size. */
test('a load of trusted payers loses and is refused nothing while chain and backends are gone, and settles afterwards', async () => {
  const { refused, losses, backlog, clearedAfter, duringOutage } = await runOutage({
    seconds: 8,
    rate: 20,
    payers: 8,
    print: () => {},
  });
  expect(refused).toEqual([]);
  expect(losses).toEqual([]);
  expect(duringOutage).toBeGreaterThan(100);
  // Nothing settles in an outage: otherwise there was none.
  expect(backlog.atReturn).toBeGreaterThanOrEqual(duringOutage - 20);
  expect(clearedAfter).toBeLessThan(60);
}, 300_000);
