import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  feeLimit,
  feesFor,
  gasFor,
  paymentsIn,
  replacementFees,
} from '../../../../src/settlement/relayer/fees.ts';

const GWEI = 1_000_000_000n;

describe('fees', () => {
  test('allow the base fee to double', () => {
    expect(feesFor({ baseFee: 10n * GWEI, tip: GWEI }, 50n * GWEI)).toEqual({
      maxFeePerGas: 21n * GWEI,
      maxPriorityFeePerGas: GWEI,
    });
  });

  test('never exceed the limit', () => {
    expect(feesFor({ baseFee: 40n * GWEI, tip: GWEI }, 50n * GWEI)).toEqual({
      maxFeePerGas: 50n * GWEI,
      maxPriorityFeePerGas: GWEI,
    });
    expect(feesFor({ baseFee: 49n * GWEI, tip: GWEI }, 50n * GWEI)?.maxFeePerGas).toBe(50n * GWEI);
    expect(feesFor({ baseFee: 49n * GWEI, tip: GWEI + 1n }, 50n * GWEI)).toBeUndefined();
  });

  test('may be four times as high near a deadline', () => {
    expect(feeLimit(50n * GWEI, 'far')).toBe(50n * GWEI);
    expect(feeLimit(50n * GWEI, 'near')).toBe(200n * GWEI);
  });
});

describe('a replacement', () => {
  const fee = fc.bigInt({ min: 0n, max: 100n * GWEI });

  test('offers an eighth more of both fees, at least the current price, and stays below the limit', () => {
    fc.assert(
      fc.property(fee, fee, fee, fee, fee, (maxFee, tip, baseFee, marketTip, limit) => {
        const old = { maxFeePerGas: maxFee + tip, maxPriorityFeePerGas: tip };
        const fees = replacementFees(old, { baseFee, tip: marketTip }, limit);
        if (fees === undefined) {
          const least = old.maxFeePerGas + old.maxFeePerGas / 8n;
          expect(least + 2n > limit || baseFee + marketTip > limit).toBe(true);
          return;
        }
        expect(fees.maxFeePerGas <= limit).toBe(true);
        expect(fees.maxPriorityFeePerGas <= fees.maxFeePerGas).toBe(true);
        expect(fees.maxFeePerGas * 8n >= old.maxFeePerGas * 9n).toBe(true);
        expect(fees.maxFeePerGas >= baseFee + marketTip).toBe(true);
        expect(fees.maxPriorityFeePerGas * 8n >= old.maxPriorityFeePerGas * 9n).toBe(true);
      }),
    );
  });
});

test('a transaction fits into half a block, and below the limit of a transaction', () => {
  for (const blockGas of [1_000_000, 15_000_000, 30_000_000, 400_000_000]) {
    const payments = paymentsIn(blockGas);
    expect(gasFor(payments, 'key') <= BigInt(blockGas) / 2n).toBe(true);
    expect(gasFor(payments, 'key') <= 2n ** 24n).toBe(true);
  }
  expect(paymentsIn(30_000_000)).toBeGreaterThanOrEqual(100);
  expect(paymentsIn(15_000_000)).toBe(56);
  expect(paymentsIn(0)).toBe(0);
});

test('the gas limit follows a rule', () => {
  expect(gasFor(1, 'key')).toBe(230_000n);
  expect(gasFor(100, 'key')).toBe(13_100_000n);
  expect(gasFor(1, 'contract')).toBe(600_000n);
});
