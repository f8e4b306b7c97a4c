import { describe, expect, it } from 'vitest';
import {
  amountProblem,
  creditBounds,
  presetsWithin,
} from '../../../../../src/dashboard/data/money/credit-bounds.ts';

const BOUNDS = creditBounds([
  { amount: '20000', asset: 'eip155:84532/erc20:0x036cbd53842c5426634e7929541ec2318f3dcf7e' },
  { amount: '1000' },
  { amount: '0' },
  { amount: '10', asset: 'iso4217:USD' },
]);

describe('the bounds of a purchase', () => {
  it('begin at the cheapest call that a token pays', () => {
    expect(BOUNDS).toEqual({ least: 1000n, most: 1_000_000_000_000n });
    expect(creditBounds([])).toEqual({ least: 1n, most: 1_000_000_000_000n });
  });

  it('leave only amounts to choose that the gateway takes', () => {
    expect(presetsWithin(BOUNDS)).toEqual([5_000_000n, 20_000_000n, 100_000_000n]);
    expect(presetsWithin({ ...BOUNDS, least: 20_000_000n })).toEqual([20_000_000n, 100_000_000n]);
    expect(presetsWithin({ ...BOUNDS, least: 500_000_000n })).toEqual([500_000_000n]);
  });

  it.each([
    ['5', undefined],
    ['0.001', undefined],
    ['1000000', undefined],
    ['0.000999', 'at least 0.001 USDC'],
    ['1000000.000001', 'at most 1,000,000.00 USDC'],
    ['0', 'at least'],
    ['-5', 'six decimals'],
    ['1e3', 'six decimals'],
    ['5,00', 'six decimals'],
    ['0.0000001', 'six decimals'],
    ['', 'six decimals'],
  ])('say what is wrong with %j', (text, expected) => {
    const found = amountProblem(text, BOUNDS);
    if (expected === undefined) expect(found).toBeUndefined();
    else expect(found).toContain(expected);
  });
});
