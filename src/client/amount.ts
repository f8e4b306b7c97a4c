import { parseAmount, parseDollars } from '../core/amount.ts';
import { CountersignError } from './errors.ts';

/** Atomic units as `bigint` or decimal string, or US dollars such as `"$0.05"` (USDC has six decimals). */
export type Amount = bigint | string;

const UINT256_MAX = (1n << 256n) - 1n;

/** Reads an amount into atomic units. @throws CountersignError `options_invalid`, which names the option */
export const amountOf = (amount: Amount, option: string): bigint => {
  const value = typeof amount === 'bigint' ? amount : (parseDollars(amount) ?? parseAmount(amount));
  if (value === undefined || value < 0n || value > UINT256_MAX) {
    throw new CountersignError(
      'options_invalid',
      `${option} must be atomic units or dollars such as "$0.05"`,
    );
  }
  return value;
};
