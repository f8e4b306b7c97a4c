import { describe, expect, it } from 'vitest';
import { AGES, isWithin, sumPayments } from '../../../src/dashboard/data/payments.ts';

const USDC = 'eip155:84532/erc20:0x036cbd53842c5426634e7929541ec2318f3dcf7e';

describe('the pipeline of payments', () => {
  it('counts each open payment in exactly one age', () => {
    for (const age of [0, 59, 60, 899, 900, 86_400]) {
      expect(AGES.filter(({ ages }) => isWithin({ age }, ages))).toHaveLength(1);
    }
  });

  it('adds up each asset by itself', () => {
    const sum = sumPayments([
      { asset: USDC, amount: '1000' },
      { asset: 'iso4217:USD', amount: '7' },
      { asset: USDC, amount: '9007199254740993' },
    ]);
    expect(sum).toEqual({
      count: 3,
      amounts: [
        { asset: USDC, amount: 9_007_199_254_741_993n },
        { asset: 'iso4217:USD', amount: 7n },
      ],
    });
  });
});
