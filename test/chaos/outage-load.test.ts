import { expect, test } from 'vitest';
import { runOutage } from './outage/run-outage.ts';

/** `npm run chaos -- --outage 60 --rate 100` runs the full size. */
test('a load of trusted payers loses and is refused nothing while chain and backends are gone, and settles afterwards', async () => {
  const payers = 8;
  const { refused, losses, backlog, duringOutage } = await runOutage({
    seconds: 8,
    rate: 20,
    payers,
    print: () => {},
  });
  expect(refused).toEqual([]);
  expect(losses).toEqual([]);
  // Each payer calls more than once, even on a slow machine.
  expect(duringOutage).toBeGreaterThan(payers);
  // Nothing settles during an outage. A smaller backlog would mean that there was none.
  expect(backlog.atReturn).toBeGreaterThanOrEqual(duringOutage);
}, 300_000);
