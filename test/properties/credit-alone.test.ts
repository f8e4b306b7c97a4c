import { describe, test } from 'vitest';
import { interleave } from './interleave.ts';
import { runsOf } from './runs.ts';

/** A file of its own, so that it runs in parallel with the other half of the 100,000 interleavings. */
describe('the ledger of one account', () => {
  test(
    `${runsOf(40_000)} interleavings: movements equal the ledger, a debt has a reason, nothing runs twice`,
    { timeout: 300_000 },
    () => {
      interleave(1, runsOf(40_000), 3);
    },
  );
});
