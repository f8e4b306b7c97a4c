import { describe, test } from 'vitest';
import { interleave } from './interleave.ts';
import { runsOf } from './runs.ts';

describe('the ledgers of two accounts that top each other up', () => {
  test(
    `${runsOf(60_000)} interleavings: movements equal the ledger, credit arrives once, nothing runs twice`,
    { timeout: 300_000 },
    () => {
      interleave(2, runsOf(60_000), 3);
    },
  );
});
