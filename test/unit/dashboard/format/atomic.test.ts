import { expect, it } from 'vitest';
import { atomicIn } from '../../../../src/dashboard/format/amount.ts';

it.each([
  ['0.02', 20_000n],
  ['1', 1_000_000n],
  [' 12.345678 ', 12_345_678n],
  ['0', 0n],
])('reads %s as atomic units', (text, atomic) => {
  expect(atomicIn(text)).toBe(atomic);
});

it.each(['', '.5', '1.', '1,5', '1.2345678', '-1', '1e3', '0x1', '1 000'])(
  'reads no amount in %j',
  (text) => {
    expect(atomicIn(text)).toBeUndefined();
  },
);
