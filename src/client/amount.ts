import { MONEY_HINT, parseMoney } from '../protocol/amount.ts';
import { CountersignError } from './errors.ts';

/** US dollars such as `"$0.05"` (USDC has six decimals), atomic units such as `"50000u"`, or atomic units as `bigint`. */
export type Amount = bigint | string;

const UINT256_MAX = (1n << 256n) - 1n;

/** Reads an amount into atomic units. @throws CountersignError `options_invalid`, which names the option */
export const amountOf = (amount: Amount, option: string): bigint => {
  // Callers without types may pass a number: 0.05 and 50000 look alike, and are a factor of a million apart.
  const given: unknown = amount;
  const value =
    typeof given === 'bigint' ? given : typeof given === 'string' ? parseMoney(given) : undefined;
  if (value === undefined || value < 0n || value > UINT256_MAX) {
    throw new CountersignError(
      'options_invalid',
      `${option} ${MONEY_HINT}; or a bigint of atomic units.`,
    );
  }
  return value;
};
