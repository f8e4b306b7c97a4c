import { describe, test } from 'vitest';
import { interleave } from './interleave.ts';

describe('the books of two accounts that top each other up', () => {
  test(
    '60,000 interleavings: movements equal the ledger, credit arrives once, nothing runs twice',
    { timeout: 300_000 },
    () => {
      interleave(2, 60_000, 3);
    },
  );
});
