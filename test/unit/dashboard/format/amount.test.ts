import { expect, it } from 'vitest';
import { counted, decimalOf, decimalsFor } from '../../../../src/dashboard/format/amount.ts';

it('groups the thousands of a count, and writes one without a plural', () => {
  expect([0, 1, 77_172].map((count) => counted(count, 'call'))).toEqual([
    '0 calls',
    '1 call',
    '77,172 calls',
  ]);
});

it('gives a column as many decimals as its longest amount needs', () => {
  const amounts = [15_480_000n, 15_093_000n, -500n];
  const decimals = decimalsFor(amounts);
  expect(amounts.map((amount) => decimalOf(amount, decimals))).toEqual([
    '15.4800',
    '15.0930',
    '−0.0005',
  ]);
});
