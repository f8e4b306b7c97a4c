import { describe, test } from 'vitest';
import { interleaveMetered } from './interleave.ts';
import { runsOf } from './runs.ts';

describe('the ledger of an account whose payments move more than metered calls charge', () => {
  test(
    `${runsOf(20_000)} interleavings: the rest is credit once its payment has settled, and never before`,
    { timeout: 300_000 },
    () => {
      interleaveMetered(runsOf(20_000), 3);
    },
  );
});
