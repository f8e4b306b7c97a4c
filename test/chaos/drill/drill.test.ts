import { expect, test } from 'vitest';
import { faultsOf } from '../../../dev/drill/report-drill.ts';
import { runDrill } from './run-drill.ts';

/** `npm run drill` runs the full size. */
test('each part of the state is lost and brought back: no money, no second run, and no entry of a receipt is lost', async () => {
  const drill = await runDrill({ agents: 4, calls: 2, print: () => {} });
  expect(faultsOf(drill)).toEqual([]);
  expect(drill.losses).toHaveLength(5);
}, 300_000);
